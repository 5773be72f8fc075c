/**
 * Headers of image files, read without decoding: a file that claims 30,000 × 30,000 pixels costs a few bytes of
 * reading, not 2.7 GB of memory. Ingest and extractors read the same headers, so that they accept the same files.
 */
import type { ColourEncoding } from './colour-encoding.ts';

type MediaType = 'image/jpeg' | 'image/png' | 'image/webp' | 'image/gif' | 'image/tiff' | 'image/avif';

/** Pixels as stored in the file, before any EXIF orientation is applied. */
export interface Dimensions {
  readonly width: number;
  readonly height: number;
}

/** Properties are set only where a file differs from 8-bit sRGB or gray, with or without alpha. */
export interface FormatHeader extends Dimensions {
  /** Samples have more than 8 bits. */
  readonly deep?: true;
  /** Colour encoding other than sRGB that is not in an ICC profile. */
  readonly colour?: ColourEncoding;
  /** The file has a colour encoding with precedence over its ICC profile. */
  readonly ignoreProfile?: true;
  /** EXIF orientation 2 to 8; absent where the image is upright. */
  readonly orientation?: number;
  /** Number of colour and alpha samples of a pixel, where other samples follow them. */
  readonly channels?: number;
}

export interface ImageHeader extends FormatHeader {
  readonly mediaType: MediaType;
}

export interface ImageFormat {
  readonly mediaType: MediaType;
  /** Checks only the first bytes. */
  matches(bytes: Buffer): boolean;
  /**
   * Reads the header and checks that the file is not truncated, as far as possible without decoding. Throws RangeError
   * where a field is outside the bytes, and HeadwaterError image-unreadable or image-type-unsupported.
   */
  read(bytes: Buffer): FormatHeader;
  /**
   * Returns bytes for a decoder that rejects harmless deviations. Expects a file that `read` accepts. Returns the
   * argument itself without changes, otherwise a copy in memory of `allocate`.
   */
  prepare?(bytes: Buffer, allocate: (bytes: number) => Buffer): Buffer;
}
