/**
 * Reads what a reference stands for, and believes nothing: neither that it is as long as the message says, nor that it
 * ever ends, nor that the bytes are the right ones. At no time is more in memory than the message has stated.
 */
import { createHash } from 'node:crypto';
import { HeadwaterError } from '@headwater/errors';
import type { StoredBlob } from './api.ts';

/** Errors: blob-corrupt, and those of the stream. */
export async function readVerified(
  chunks: AsyncIterable<Uint8Array>,
  { byteLength, sha256 }: StoredBlob,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(byteLength);
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of chunks) {
    if (length + chunk.byteLength > byteLength) throw wrongLength(length + chunk.byteLength, byteLength);
    bytes.set(chunk, length);
    hash.update(chunk);
    length += chunk.byteLength;
  }
  if (length !== byteLength) throw wrongLength(length, byteLength);
  if (hash.digest('hex') !== sha256.toLowerCase()) throw corrupt('its SHA-256 differs');
  return bytes;
}

/** Before a byte is read, where the store tells the length. Errors: blob-corrupt. */
export function checkLength(found: number | undefined, { byteLength }: StoredBlob): void {
  if (found !== undefined && found !== byteLength) throw wrongLength(found, byteLength);
}

/** A length that no blob of ours has. Errors: blob-corrupt, limit-exceeded. */
export function checkClaim({ byteLength }: StoredBlob, maxBytes: number): void {
  if (!Number.isSafeInteger(byteLength) || byteLength < 0) throw corrupt('its reference states no length');
  if (byteLength <= maxBytes) return;
  throw new HeadwaterError('limit-exceeded', `the blob has more than ${maxBytes} bytes`, {
    context: { byteLength, maxBytes },
  });
}

const wrongLength = (found: number, stated: number) => corrupt(`it has ${found} bytes instead of ${stated}`);

export function corrupt(how: string): HeadwaterError {
  return new HeadwaterError('blob-corrupt', `the blob is damaged: ${how}`);
}

export function missing(cause?: unknown): HeadwaterError {
  return new HeadwaterError('blob-missing', 'the blob does not exist', { cause });
}

export function forbidden(cause?: unknown): HeadwaterError {
  return new HeadwaterError('blob-forbidden', 'the reference points outside of the places that may be read', {
    cause,
  });
}

/** The store refuses one blob, as a policy or the mode of a file says: that may be mended. */
export function refused(cause?: unknown): HeadwaterError {
  return new HeadwaterError('blob-forbidden', 'the blob store refuses access to this blob', {
    cause,
    context: { refused: true },
  });
}

/** `isRefusal`: the store answered, and refused us. */
export function unavailable(
  action: string,
  reason: string,
  cause?: unknown,
  isRefusal = false,
): HeadwaterError {
  return new HeadwaterError('blob-store-unavailable', `cannot ${action} a blob: ${reason}`, {
    cause,
    context: { action, reason, ...(isRefusal ? { refused: true } : {}) },
  });
}
