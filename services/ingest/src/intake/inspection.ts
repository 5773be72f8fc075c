/**
 * Detects the type and size of an uploaded file by its bytes; Content-Type and file name are ignored. It runs on
 * every request, so it reads headers alone.
 */
import { HeadwaterError } from '@headwater/errors';
import { type Dimensions, formatOf, imageFormats, readHeader } from '@headwater/image-formats';
import { fileTypeFromBuffer } from 'file-type';

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
  if (!formatOf(bytes)) throw await unsupported(bytes);
  const { mediaType, width, height } = readHeader(bytes);
  checkPixels({ width, height }, limits);
  return { mediaType, width, height };
}

/** Errors: image-too-large. Also asked with a declared length, before anything is read. */
export function checkBytes(byteLength: number, { maxBytes }: ImageLimits): void {
  if (byteLength <= maxBytes) return;
  throw new HeadwaterError('image-too-large', `the image has more than ${maxBytes} bytes`, {
    context: { maxBytes },
  });
}

function checkPixels({ width, height }: Dimensions, { maxPixels }: ImageLimits): void {
  if (width * height <= maxPixels) return;
  throw new HeadwaterError(
    'image-too-large',
    `the image has ${width} × ${height} pixels, more than the limit of ${maxPixels}`,
    { context: { width, height, maxPixels } },
  );
}

/** Names the detected type, where there is one. */
async function unsupported(bytes: Buffer): Promise<HeadwaterError> {
  const accepted = imageFormats.map((format) => format.mediaType).join(', ');
  const found = (await fileTypeFromBuffer(bytes.subarray(0, 4_100)).catch(() => undefined))?.mime;
  return new HeadwaterError(
    'image-type-unsupported',
    `the bytes are ${found ? `of type ${found}` : 'not of a known image type'}; accepted are ${accepted}`,
    { context: { found: found ?? null } },
  );
}
