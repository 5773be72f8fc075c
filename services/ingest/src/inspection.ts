/**
 * Says what an uploaded file is by looking at its bytes; what the client calls it (a Content-Type, a file name)
 * is not asked. Runs on every request, so it reads headers only.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import { fileTypeFromBuffer } from 'file-type';
import type { Dimensions, ImageFormat } from './formats/api.ts';
import { damaged } from './formats/damage.ts';
import { imageFormats } from './formats/index.ts';

export interface ImageLimits {
  readonly maxBytes: number;
  /** Width × height. */
  readonly maxPixels: number;
}

/** Width and height as stored in the file, before EXIF orientation. */
export interface ImageFacts extends Dimensions {
  readonly mediaType: string;
}

/**
 * Errors: image-unreadable (empty, damaged), image-type-unsupported, image-too-large (bytes or pixels).
 */
export async function inspectImage(bytes: Buffer, limits: ImageLimits): Promise<ImageFacts> {
  if (bytes.length === 0) throw new HeadwaterError('image-unreadable', 'the image is empty: it has no bytes');
  checkBytes(bytes.length, limits);
  const format = imageFormats.find((candidate) => candidate.matches(bytes));
  if (!format) throw await unsupported(bytes);
  const dimensions = measure(format, bytes);
  checkPixels(dimensions, format.mediaType, limits);
  return { mediaType: format.mediaType, ...dimensions };
}

/** Errors: image-too-large. Also asked with a declared length, before anything is read. */
export function checkBytes(byteLength: number, { maxBytes }: ImageLimits): void {
  if (byteLength <= maxBytes) return;
  throw new HeadwaterError('image-too-large', `the image has more than ${maxBytes} bytes`, {
    context: { maxBytes },
  });
}

function measure(format: ImageFormat, bytes: Buffer): Dimensions {
  try {
    return format.measure(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw damaged(format.mediaType, 'it is cut short');
    throw asHeadwaterError(error);
  }
}

function checkPixels({ width, height }: Dimensions, mediaType: string, { maxPixels }: ImageLimits): void {
  if (width === 0 || height === 0) throw damaged(mediaType, 'it has no pixels');
  if (width * height <= maxPixels) return;
  throw new HeadwaterError(
    'image-too-large',
    `the image has ${width} × ${height} pixels, more than the limit of ${maxPixels}`,
    { context: { width, height, maxPixels } },
  );
}

/** Names what came instead, where that can be told. */
async function unsupported(bytes: Buffer): Promise<HeadwaterError> {
  const accepted = imageFormats.map((format) => format.mediaType).join(', ');
  const found = (await fileTypeFromBuffer(bytes.subarray(0, 4_100)).catch(() => undefined))?.mime;
  return new HeadwaterError(
    'image-type-unsupported',
    `the bytes are ${found ? `of type ${found}` : 'not of a known image type'}; accepted are ${accepted}`,
    { context: { found: found ?? null } },
  );
}
