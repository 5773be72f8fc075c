/** The orientation of a picture, as TIFF states it, and as EXIF, which is a TIFF without pixels, states it in other files. */
import type { FormatHeader } from './api.ts';
import { type Directory, readDirectory } from './tiff-directory.ts';

const ORIENTATION = 274;

export function orientationOf(directory: Directory): Pick<FormatHeader, 'orientation'> {
  const orientation = directory.number(ORIENTATION) ?? 1;
  return orientation >= 2 && orientation <= 8 ? { orientation } : {};
}

/** None where the EXIF data is damaged: it decides no more than that. */
export function orientationOfExif(exif: Buffer | undefined): Pick<FormatHeader, 'orientation'> {
  try {
    return exif ? orientationOf(readDirectory(exif)) : {};
  } catch (error) {
    if (error instanceof RangeError) return {};
    throw error;
  }
}
