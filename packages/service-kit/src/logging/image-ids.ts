/**
 * Image ids in logs and traces: as they are, or hashed. A hash is the same in every process of an installation, so
 * that the lines about one image can still be joined.
 */
import { createHash, createHmac } from 'node:crypto';

export const imageIdForms = ['plain', 'hashed'] as const;

export interface ImageIdOptions {
  /** Default `plain`. */
  readonly imageIds?: (typeof imageIdForms)[number];
  /** Key of the hash. Without one, anyone can compute the hash of an id that can be guessed. */
  readonly imageIdsKey?: string | undefined;
}

export type HideImageId = (id: string) => string;

/** 64 bits: two of 100 million images share a hash with a probability of 0.03 %. */
const hexDigits = 16;

/** The hash: the first 16 hex digits of a SHA-256, or of an HMAC-SHA-256 where there is a key. Undefined for `plain`. */
export function hideImageIds({ imageIds, imageIdsKey: key }: ImageIdOptions): HideImageId | undefined {
  if (imageIds !== 'hashed') return undefined;
  return (id) => {
    const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
    return hash.update(id, 'utf8').digest('hex').slice(0, hexDigits);
  };
}
