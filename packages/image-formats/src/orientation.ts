/** The orientation of an image, from a TIFF or from EXIF data, which is a TIFF without pixels. */
import type { FormatHeader } from './api.ts';
import { type Directory, readDirectory } from './tiff-directory.ts';

const ORIENTATION = 274;

export function orientationOf(directory: Directory): Pick<FormatHeader, 'orientation'> {
  const orientation = directory.number(ORIENTATION) ?? 1;
  return orientation >= 2 && orientation <= 8 ? { orientation } : {};
}

/** Ignores damaged EXIF data, which only sets the orientation. */
export function orientationOfExif(exif: Buffer | undefined): Pick<FormatHeader, 'orientation'> {
  try {
    return exif ? orientationOf(readDirectory(exif)) : {};
  } catch (error) {
    if (error instanceof RangeError) return {};
    throw error;
  }
}
