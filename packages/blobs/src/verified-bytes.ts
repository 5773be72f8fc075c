/**
 * Reads a blob and verifies its length and digest against the reference. Stops at the stated length, which also bounds
 * the memory, because a store may send wrong or endless bytes.
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

/** Checks the length before reading, where the store reports it. Errors: blob-corrupt. */
export function checkLength(found: number | undefined, { byteLength }: StoredBlob): void {
  if (found !== undefined && found !== byteLength) throw wrongLength(found, byteLength);
}

/** Checks the length in a reference. Errors: blob-corrupt, limit-exceeded. */
export function checkClaim({ byteLength }: StoredBlob, maxBytes: number): void {
  if (!Number.isSafeInteger(byteLength) || byteLength < 0) throw corrupt('its reference states no length');
  if (byteLength <= maxBytes) return;
  throw new HeadwaterError('limit-exceeded', `the blob has more than ${maxBytes} bytes`, {
    context: { byteLength, maxBytes },
  });
}

const wrongLength = (found: number, stated: number) => corrupt(`it has ${found} bytes instead of ${stated}`);

function corrupt(how: string): HeadwaterError {
  return new HeadwaterError('blob-corrupt', `the blob is damaged: ${how}`);
}

export function missing(cause?: unknown): HeadwaterError {
  return new HeadwaterError('blob-missing', 'the blob does not exist', { cause });
}

export function forbidden(cause?: unknown): HeadwaterError {
  return new HeadwaterError('blob-forbidden', 'the reference is outside BLOB_STORE and BLOB_SOURCES', {
    cause,
  });
}

/** The store denies access to one blob, by a policy or a file mode that an operator can change. */
export function refused(cause?: unknown): HeadwaterError {
  return new HeadwaterError('blob-forbidden', 'the blob store denies access to this blob', {
    cause,
    context: { refused: true },
  });
}

/** `isDenied`: the store responded and denied access. */
export function unavailable(
  action: string,
  reason: string,
  cause?: unknown,
  isDenied = false,
): HeadwaterError {
  return new HeadwaterError('blob-store-unavailable', `cannot ${action} a blob: ${reason}`, {
    cause,
    context: { action, reason, ...(isDenied ? { refused: true } : {}) },
  });
}
