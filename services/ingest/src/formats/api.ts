/**
 * What a file format must tell before an image is taken in. Only headers are read, nothing is decoded: a
 * file that claims 30,000 × 30,000 pixels costs a few bytes of reading, not 2.7 GB of memory.
 */

/** Pixels as stored in the file, before any EXIF orientation or rotation is applied. */
export interface Dimensions {
  readonly width: number;
  readonly height: number;
}

export interface ImageFormat {
  readonly mediaType: string;
  /** Looks at the first bytes only. */
  matches(bytes: Buffer): boolean;
  /**
   * Reads the dimensions and checks that the file is not cut short, as far as its structure tells without decoding.
   * Throws RangeError where a field lies outside of the bytes, and HeadwaterError image-unreadable.
   */
  measure(bytes: Buffer): Dimensions;
}
