/**
 * Composite keys (`lenet-digits.v1/digit/3f…`): UTF-8, each part percent-encoded, joined by `/`. A list of parts has
 * exactly one key, because compaction compares the bytes of keys.
 */
import { HeadwaterError } from '@headwater/errors';

/** Errors: record-invalid where a part is not well-formed text. */
export function compositeKey(...parts: readonly (string | number)[]): string {
  try {
    return parts.map((part) => encodeURIComponent(part)).join('/');
  } catch (cause) {
    throw new HeadwaterError('record-invalid', 'a part of a key is not well-formed Unicode', { cause });
  }
}

/** Parses the parts of a key. Errors: record-invalid where `compositeKey` cannot have created it. */
export function parseCompositeKey(key: string): string[] {
  let parts: string[];
  try {
    parts = key.split('/').map(decodeURIComponent);
  } catch (cause) {
    throw new HeadwaterError('record-invalid', 'the key is not percent-encoded', { cause });
  }
  if (compositeKey(...parts) !== key) {
    throw new HeadwaterError('record-invalid', 'the key is not in the canonical percent-encoding');
  }
  return parts;
}
