/**
 * The sample for leave-one-out must depend on the set alone, and not on labels (so that a correction does not move an example
 * in or out). Members of a group must be adjacent (so that a fold can leave all of them out).
 */
import { createHash } from 'node:crypto';

/** Bytes of a sample key. */
const sampleKeyLength = 32;

/**
 * The position of an example in the order of samples, compared as bytes: the first half of SHA-256(group, or image id without a
 * group), then the first half of SHA-256(image id). An owner of examples can index them by it, and call `TrainingSet.refill`
 * with that index.
 */
export function sampleKey(example: { readonly imageId: string; readonly group: string | null }): Uint8Array {
  const { imageId, group } = example;
  const key = new Uint8Array(sampleKeyLength);
  key.set(halfDigest(group === null ? `image:${imageId}` : `group:${group}`), 0);
  key.set(halfDigest(`image:${imageId}`), sampleKeyLength / 2);
  return key;
}

function halfDigest(text: string): Uint8Array {
  return createHash('sha256')
    .update(text, 'utf8')
    .digest()
    .subarray(0, sampleKeyLength / 2);
}
