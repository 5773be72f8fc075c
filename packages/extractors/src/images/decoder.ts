/**
 * Encoded images to the pixels that a net takes. Decoders are where hostile input meets native code: they see
 * only formats that were recognised by their bytes, within limits that the header is held to before a pixel is decoded.
 *
 * One libvips thread an image and several images at once is what keeps all cores busy (measured: better than several
 * threads an image); the pipeline in front bounds how many.
 */
import { HeadwaterError } from '@headwater/errors';
import sharp, { type Sharp } from 'sharp';
import type { ImageLimits } from '../api.ts';
import { inputBytes, type Preprocessing } from '../extractors/definition.ts';
import { checkBytes, checkPixels } from './limits.ts';
import { detectMediaType, type MediaType } from './media-type.ts';
import { readPlainPng } from './plain-png.ts';

sharp.concurrency(1);
// No image comes twice in a row: a cache of operations would hold memory for nothing.
sharp.cache(false);

/** Some files are small and take minutes all the same; the limits on bytes and pixels can't tell. */
const longestDecodeSeconds = 30;

/** A decoded picture: uint8 [height, width, channels]. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

export interface ImageHeader {
  readonly mediaType: MediaType;
  /** In pixels, as stored: before the EXIF orientation is applied. */
  readonly width: number;
  readonly height: number;
}

function recognise(image: Uint8Array): MediaType {
  const mediaType = detectMediaType(image);
  if (mediaType) return mediaType;
  throw new HeadwaterError(
    'image-type-unsupported',
    'The bytes are not a JPEG, PNG, WebP, GIF, TIFF or AVIF image.',
  );
}

function unreadable(cause: unknown, mediaType: MediaType): HeadwaterError {
  // libvips' reason, which may stand among others.
  if (cause instanceof Error && /^timeout: \d+% complete/m.test(cause.message)) {
    const message = `The image was not decoded within ${longestDecodeSeconds} s.`;
    return new HeadwaterError('extractor-failed', message, { cause, context: { mediaType } });
  }
  const message = 'The image is damaged or cut short.';
  return new HeadwaterError('image-unreadable', message, { cause, context: { mediaType } });
}

/** `failOn: error` refuses what is truncated or damaged, and lets harmless oddities (bytes after the end) pass. */
function open(image: Uint8Array, limitInputPixels: number | false): Sharp {
  const options = { failOn: 'error', limitInputPixels, pages: 1, sequentialRead: true } as const;
  return sharp(image, options).timeout({ seconds: longestDecodeSeconds });
}

/**
 * Reads the header alone.
 * Errors: image-unreadable, image-too-large, image-type-unsupported.
 */
export async function inspectImage(image: Uint8Array, limits: ImageLimits): Promise<ImageHeader> {
  checkBytes(image, limits);
  const mediaType = recognise(image);
  const header = await open(image, false)
    .metadata()
    .catch((cause: unknown) => {
      throw unreadable(cause, mediaType);
    });
  checkPixels(header.width, header.height, limits);
  return { mediaType, width: header.width, height: header.height };
}

function prepare(image: Sharp, preprocessing: Preprocessing): Sharp {
  const { side, resizedSide, fit, kernel, colour } = preprocessing;
  const grey = preprocessing.background;
  const background = { r: grey, g: grey, b: grey };
  const margin = Math.floor((resizedSide - side) / 2);
  const upright = image.autoOrient().flatten({ background });
  const coloured =
    colour === 'gray' ? upright.grayscale().toColourspace('b-w') : upright.toColourspace('srgb');
  const resized = coloured.resize(resizedSide, resizedSide, { fit, kernel, background });
  return margin === 0 ? resized : resized.extract({ left: margin, top: margin, width: side, height: side });
}

export type DecodeImage = (
  image: Uint8Array,
  preprocessing: Preprocessing,
  limits: ImageLimits,
) => Promise<Uint8Array>;

let decodeNative: DecodeImage = decodeHere;

/** From now on native decoders work where `decode` says; without one, in this process. */
export function decodeBy(decode: DecodeImage | undefined): void {
  decodeNative = decode ?? decodeHere;
}

/**
 * Decodes an image (the first frame of an animation) to uint8 [side, side, channels].
 * Errors: image-unreadable, image-too-large, image-type-unsupported, extractor-failed (it took too long, or killed its process).
 */
export async function decodeImage(
  image: Uint8Array,
  preprocessing: Preprocessing,
  limits: ImageLimits,
): Promise<Uint8Array> {
  checkBytes(image, limits);
  const mediaType = recognise(image);
  const plain = mediaType === 'image/png' ? readPlainPng(image, preprocessing) : undefined;
  if (plain && preprocessing.side ** 2 <= limits.maxPixels) return plain;
  return decodeNative(image, preprocessing, limits);
}

/** As `decodeImage`, by native code in this process. */
export async function decodeHere(
  image: Uint8Array,
  preprocessing: Preprocessing,
  limits: ImageLimits,
): Promise<Uint8Array> {
  const mediaType = recognise(image);
  try {
    const pixels = await prepare(open(image, limits.maxPixels), preprocessing).raw().toBuffer();
    if (pixels.byteLength === inputBytes(preprocessing)) return pixels;
  } catch (cause) {
    // One pass over good images; why a bad one is bad is found out afterwards.
    await inspectImage(image, limits);
    throw unreadable(cause, mediaType);
  }
  throw new HeadwaterError('image-type-unsupported', 'The image has more than four channels.', {
    context: { mediaType },
  });
}

/** Gives a picture that was decoded before the size and the colours of a net's input; uint8 [side, side, channels]. */
export async function conformPixels(pixels: Pixels, preprocessing: Preprocessing): Promise<Uint8Array> {
  const { data, width, height, channels } = pixels;
  const picture = sharp(data, { raw: { width, height, channels } });
  return await prepare(channels === 1 ? picture.toColourspace('b-w') : picture, preprocessing)
    .raw()
    .toBuffer();
}
