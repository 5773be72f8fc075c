/** Headers of image files, and the list of supported formats. */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { ImageFormat, ImageHeader } from './api.ts';
import { avif } from './avif.ts';
import { gif } from './gif.ts';
import { jpeg } from './jpeg.ts';
import { png } from './png.ts';
import { damaged } from './refusals.ts';
import { tiff } from './tiff.ts';
import { webp } from './webp.ts';

export type { Dimensions, ImageHeader } from './api.ts';
export type { ColourEncoding, Primaries } from './colour-encoding.ts';

/** Most frequent first. */
export const imageFormats: readonly ImageFormat[] = [jpeg, png, webp, gif, tiff, avif];

/** Detects the format from the first bytes: file names and content types are often wrong. */
export function formatOf(bytes: Buffer): ImageFormat | undefined {
  return imageFormats.find((format) => format.matches(bytes));
}

/** Errors: image-unreadable, image-type-unsupported (also where the bytes are of no known format). */
export function readHeader(bytes: Buffer): ImageHeader {
  const format = formatOf(bytes);
  if (!format) {
    const accepted = imageFormats.map(({ mediaType }) => mediaType).join(', ');
    const message = `unknown image type; accepted types are ${accepted}`;
    throw new HeadwaterError('image-type-unsupported', message);
  }
  const { mediaType } = format;
  try {
    const header = format.read(bytes);
    if (header.width === 0 || header.height === 0) throw damaged(mediaType, 'it has no pixels');
    return { mediaType, ...header };
  } catch (error) {
    if (error instanceof RangeError) throw damaged(mediaType, 'it is truncated');
    throw asHeadwaterError(error);
  }
}
