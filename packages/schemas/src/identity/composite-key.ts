/**
 * Keys made of several parts (`lenet-digits.v1/digit/3f…`): UTF-8, each part percent-encoded, joined by `/`. One list of parts
 * has exactly one key, because compaction compares keys by their bytes.
 */
import { HeadwaterError } from '@headwater/errors';

/** Errors: record-invalid where a part is not well-formed text. */
export function compositeKey(...parts: readonly (string | number)[]): string {
  try {
    return parts.map((part) => encodeURIComponent(part)).join('/');
  } catch (cause) {
    throw new HeadwaterError('record-invalid', 'A part of a key is not well-formed text.', { cause });
  }
}

/** The parts that `compositeKey` was given. Errors: record-invalid where it cannot have made the key. */
export function parseCompositeKey(key: string): string[] {
  let parts: string[];
  try {
    parts = key.split('/').map(decodeURIComponent);
  } catch (cause) {
    throw new HeadwaterError('record-invalid', 'A key is not percent-encoded.', { cause });
  }
  if (compositeKey(...parts) !== key) {
    throw new HeadwaterError(
      'record-invalid',
      'A key is percent-encoded in another way than compositeKey does.',
    );
  }
  return parts;
}
