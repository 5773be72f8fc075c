/**
 * What the header of an image file says. Nothing is decoded here: a file that claims 30,000 × 30,000 pixels costs a few
 * bytes of reading, not 2.7 GB of memory. Ingest and extractors read the same headers, so that they give the same verdict.
 */
import type { ColourEncoding } from './colour-encoding.ts';

export type MediaType = 'image/jpeg' | 'image/png' | 'image/webp' | 'image/gif' | 'image/tiff' | 'image/avif';

/** Pixels as stored in the file, before any EXIF orientation or rotation is applied. */
export interface Dimensions {
  readonly width: number;
  readonly height: number;
}

/** Beyond the size: only what sets a file apart from 8-bit sRGB or gray, with or without alpha. */
export interface FormatHeader extends Dimensions {
  /** Samples have more than 8 bits. */
  readonly deep?: true;
  /** Colour that the file states otherwise than by an ICC profile, and that is not sRGB. */
  readonly colour?: ColourEncoding;
  /** The file states its colour in a way that ranks above the ICC profile that it may have, too. */
  readonly ignoreProfile?: true;
  /** By EXIF, 2 to 8: how the picture is turned or mirrored. Absent where it is upright. */
  readonly orientation?: number;
  /** Samples of a pixel that are colour or alpha, where others, which are neither, come after them. */
  readonly channels?: number;
}

export interface ImageHeader extends FormatHeader {
  readonly mediaType: MediaType;
}

export interface ImageFormat {
  readonly mediaType: MediaType;
  /** Looks at the first bytes only. */
  matches(bytes: Buffer): boolean;
  /**
   * Reads the header and checks that the file is not cut short, as far as its structure shows without decoding.
   * Throws RangeError where a field lies outside of the bytes, and HeadwaterError image-unreadable or
   * image-type-unsupported.
   */
  read(bytes: Buffer): FormatHeader;
  /**
   * The bytes to give to a decoder, where it refuses what is harmless. Expects a file that `read` accepts; the result
   * is the argument itself where nothing has to change. Copies are made into memory of `allocate`.
   */
  prepare?(bytes: Buffer, allocate: (bytes: number) => Buffer): Buffer;
}
