/** The headers of image files: the one place that says which formats there are, and what of them is not taken. */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { ImageFormat, ImageHeader } from './api.ts';
import { avif } from './avif.ts';
import { gif } from './gif.ts';
import { jpeg } from './jpeg.ts';
import { png } from './png.ts';
import { damaged } from './refusals.ts';
import { tiff } from './tiff.ts';
import { webp } from './webp.ts';

export type { Dimensions, FormatHeader, ImageFormat, ImageHeader, MediaType } from './api.ts';
export type { ColourEncoding, Primaries } from './colour-encoding.ts';

/** Most frequent first. */
export const imageFormats: readonly ImageFormat[] = [jpeg, png, webp, gif, tiff, avif];

/** By the first bytes: names and content types are often wrong. */
export function formatOf(bytes: Buffer): ImageFormat | undefined {
  return imageFormats.find((format) => format.matches(bytes));
}

/** Errors: image-unreadable, image-type-unsupported (also where the bytes are of no known format). */
export function readHeader(bytes: Buffer): ImageHeader {
  const format = formatOf(bytes);
  if (!format) {
    const accepted = imageFormats.map(({ mediaType }) => mediaType).join(', ');
    const message = `the bytes are not of a known image type; accepted are ${accepted}`;
    throw new HeadwaterError('image-type-unsupported', message);
  }
  const { mediaType } = format;
  try {
    const header = format.read(bytes);
    if (header.width === 0 || header.height === 0) throw damaged(mediaType, 'it has no pixels');
    return { mediaType, ...header };
  } catch (error) {
    if (error instanceof RangeError) throw damaged(mediaType, 'it is cut short');
    throw asHeadwaterError(error);
  }
}
