/**
 * Paths of blobs within any store. Expiring and kept blobs have different prefixes, so that lifecycle rules of the
 * store can distinguish them.
 */
import { createHash } from 'node:crypto';
import { HeadwaterError } from '@headwater/errors';
import type { PutOptions } from './api.ts';

/** Folder of images, which may expire. */
export const expiringFolder = 'images';
/** Folder of blobs that are kept until they are deleted. */
const keptFolder = 'kept';
/** Folder of blobs with names. */
export const namedFolder = 'snapshots';

/**
 * Path with slashes, e.g. `images/3f/3f…`. A blob with an owner has the owner's name in its path, `images/a1/a1….3f…`,
 * unless the owner is the SHA-256 of the bytes.
 */
export function blobPath(sha256: string, { keep = false, owner, name }: PutOptions = {}): string {
  if (name !== undefined) return `${namedPath(name)}.${sha256}`;
  if (owner !== undefined && owner !== sha256) return `${ownedPrefix(owner)}${sha256}`;
  return `${keep ? keptFolder : expiringFolder}/${sha256.slice(0, 2)}/${sha256}`;
}

const nameForm = /^[\w%!~*'().-]+(?:\/[\w%!~*'().-]+)*$/;

/** Path of a name, or of a prefix of names. */
export function namedPath(name: string): string {
  const isPlain = nameForm.test(name) && !name.split('/').some((segment) => /^\.+$/.test(segment));
  if (!isPlain) throw new HeadwaterError('request-invalid', `a blob cannot have the name ${name}`);
  return `${namedFolder}/${name}`;
}

/** Name and SHA-256 of a blob in the folder of names; undefined for files that were not written by `put`. */
export function parseNamedPath(path: string): { readonly name: string; readonly sha256: string } | undefined {
  const [, name, sha256] = /^snapshots\/(.+)\.([0-9a-f]{64})$/.exec(path) ?? [];
  return name === undefined || sha256 === undefined ? undefined : { name, sha256 };
}

/** Path prefix of all blobs of an owner, except bytes whose SHA-256 is the owner's name. */
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
