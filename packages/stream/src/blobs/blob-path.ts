/**
 * Where a blob lies inside of its store, whatever the store is. What expires by age and what does not stand apart, so
 * that a rule of the store itself (a lifecycle rule on a prefix) can tell them, too.
 */
import { createHash } from 'node:crypto';

/** Of images: may expire. */
export const expiringFolder = 'images';
/** Of what is kept until it is deleted. */
export const keptFolder = 'kept';

/** With slashes, e.g. `images/3f/3f…`. */
export function blobPath(sha256: string, keep = false): string {
  return `${keep ? keptFolder : expiringFolder}/${sha256.slice(0, 2)}/${sha256}`;
}

/** Lower-case hex. */
export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
