/**
 * Where a blob lies inside of its store, whatever the store is. What expires by age and what does not stand apart, so
 * that a rule of the store itself (a lifecycle rule on a prefix) can tell them, too.
 */
import { createHash } from 'node:crypto';
import type { PutOptions } from './api.ts';

/** Of images: may expire. */
export const expiringFolder = 'images';
/** Of what is kept until it is deleted. */
export const keptFolder = 'kept';

/**
 * With slashes, e.g. `images/3f/3f…`. What has an owner lies under the owner's name, `images/a1/a1….3f…`, save where that is the SHA-256
 * of the bytes already.
 */
export function blobPath(sha256: string, { keep = false, owner }: PutOptions = {}): string {
  if (owner !== undefined && owner !== sha256) return `${ownedPrefix(owner)}${sha256}`;
  return `${keep ? keptFolder : expiringFolder}/${sha256.slice(0, 2)}/${sha256}`;
}

/** What the paths of all that has this owner begin with, but for bytes whose SHA-256 is the owner's very name. */
export function ownedPrefix(owner: string): string {
  const name = sha256Of(Buffer.from(owner, 'utf8'));
  return `${expiringFolder}/${name.slice(0, 2)}/${name}.`;
}

/** By default an image's id is the SHA-256 of its bytes. */
export function isSha256(owner: string): boolean {
  return /^[0-9a-f]{64}$/.test(owner);
}

/** Lower-case hex. */
export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
