/**
 * Decodes images to the pixels of a net's input. Decoders process hostile input in native code: they receive only formats that
 * were recognised by their bytes, and whose header was checked against the limits before a pixel is decoded.
 *
 * One libvips thread per image and several images in parallel keep all cores busy (measured: faster than several threads per
 * image); the pipeline in front limits how many.
 */
import { HeadwaterError } from '@headwater/errors';
import { formatOf, type ImageHeader, readHeader } from '@headwater/image-formats';
import sharp from 'sharp';
import type { ImageLimits } from '../options.ts';
import { Semaphore } from '../semaphore.ts';
import { inputBytes, type Preprocessing } from '../table/definition.ts';
import { decodingError, longestDecodeSeconds } from './decoding-error.ts';
import { checkBytes, checkPixels } from './limits.ts';
import { openImage } from './opening.ts';
import { readPlainPng } from './plain-png.ts';
import { resizeAndCrop } from './resizing.ts';
import { withScratchBuffers } from './scratch-buffers.ts';

/** A decoded picture: uint8 [height, width, channels]. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

const bufferOf = (image: Uint8Array) => Buffer.from(image.buffer, image.byteOffset, image.byteLength);

/** Reads the header only. Errors: image-unreadable, image-too-large, image-type-unsupported. */
export function inspectImage(image: Uint8Array, limits: ImageLimits): ImageHeader {
  checkBytes(image, limits);
  const header = readHeader(bufferOf(image));
  checkPixels(header.width, header.height, limits);
  return header;
}

export type DecodeImage = (
  image: Uint8Array,
  preprocessing: Preprocessing,
  limits: ImageLimits,
) => Promise<Uint8Array>;

let decodeNative: DecodeImage = decodeInProcess;

/** Runs native decoders by `decode` from now on; by default in this process. */
export function setDecoder(decode: DecodeImage | undefined): void {
  decodeNative = decode ?? decodeInProcess;
}

/**
 * Decodes an image (the first frame of an animation) to uint8 [side, side, channels]. Errors: image-unreadable,
 * image-too-large, image-type-unsupported, extractor-failed (timeout, or its process ended).
 */
export async function decodeImage(
  image: Uint8Array,
  preprocessing: Preprocessing,
  limits: ImageLimits,
): Promise<Uint8Array> {
  checkBytes(image, limits);
  const isPng = formatOf(bufferOf(image))?.mediaType === 'image/png';
  const plain = isPng && preprocessing.side ** 2 <= limits.maxPixels && readPlainPng(image, preprocessing);
  return plain || decodeNative(image, preprocessing, limits);
}

/** Same as `decodeImage`, with native code in this process. */
export async function decodeInProcess(
  image: Uint8Array,
  preprocessing: Preprocessing,
  limits: ImageLimits,
): Promise<Uint8Array> {
  const header = inspectImage(image, limits);
  const decode = () => decodeFile(bufferOf(image), header, preprocessing, limits);
  const pixels = await withOwnErrors(decode).catch((cause: unknown) => {
    throw decodingError(cause, header.mediaType);
  });
  if (pixels.byteLength === inputBytes(preprocessing)) return pixels;
  throw new HeadwaterError(
    'image-type-unsupported',
    'the image has more than four channels; save it as RGB',
    {
      context: { mediaType: header.mediaType },
    },
  );
}

/** More than the pipelines of a process have; it only has to be finite, so that a decode can be alone. */
const mostDecoders = 256;
const decoders = new Semaphore(mostDecoders);
let running = 0;
let started = 0;

/**
 * libvips has one list of errors for all threads: a file that fails beside others may get their reasons, or none. It is
 * decoded again alone, unless it has used up its time.
 */
async function withOwnErrors<T>(decode: () => Promise<T>): Promise<T> {
  await decoders.enter();
  const isFirst = running === 0;
  running += 1;
  started += 1;
  const own = started;
  const begun = performance.now();
  try {
    return await decode();
  } catch (error) {
    const wasAlone = isFirst && started === own;
    const isLate = performance.now() - begun > longestDecodeSeconds * 1_000;
    if (wasAlone || isLate) throw error;
  } finally {
    running -= 1;
    decoders.leave();
  }
  return await decoders.runAlone(decode);
}

/** Other formats are decoded as a whole. */
const rowByRow: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/tiff']);

async function decodeFile(
  image: Buffer,
  header: ImageHeader,
  preprocessing: Preprocessing,
  { maxPixels }: ImageLimits,
): Promise<Uint8Array> {
  const { width, height, orientation = 1, mediaType } = header;
  const isLazy = rowByRow.has(mediaType);
  const shrinksOnLoad = mediaType === 'image/jpeg';
  return await withScratchBuffers(async (allocate) => {
    const picture = await openImage(image, header, maxPixels, allocate);
    return await resizeAndCrop({ picture, width, height, orientation, isLazy, shrinksOnLoad }, preprocessing);
  });
}

/** Converts a decoded picture to the size and the colours of a net's input; uint8 [side, side, channels]. */
export async function conformPixels(pixels: Pixels, preprocessing: Preprocessing): Promise<Uint8Array> {
  const { data, width, height, channels } = pixels;
  const decoded = sharp(data, { raw: { width, height, channels } });
  const picture = channels === 1 ? decoded.toColourspace('b-w') : decoded;
  const subject = { picture, width, height, orientation: 1, isLazy: false, shrinksOnLoad: false };
  return await resizeAndCrop(subject, preprocessing);
}
