/** Reads the values that steps are given, and rejects those that they cannot use. */
import { HeadwaterError } from '@headwater/errors';
import type { Value, ValueType } from '@headwater/extractors';

export function unfit(method: string, reason: string): HeadwaterError {
  return new HeadwaterError('record-unfit', `${method} ${reason}`, { context: { method } });
}

/** Errors: record-unfit. */
export function checkType(method: string, takes: readonly ValueType[], value: Value): void {
  if (takes.includes(value.type)) return;
  throw unfit(method, `takes ${takes.join(' or ')}, but was given ${value.type}`);
}

/** The content of a text or a category; null for a missing one. */
export function textOf(value: Value): string | null {
  if (value.type === 'text') return value.text;
  return value.type === 'category' ? value.category : null;
}

/** A vector of this length without infinities; null for a missing one. Errors: record-unfit. */
export function vectorOf(method: string, value: Value, dimensions: number | null): Float32Array | null {
  if (value.type !== 'vector') return null;
  const { vector } = value;
  if (dimensions !== null && vector.length !== dimensions) {
    throw unfit(method, `takes ${dimensions} numbers, but was given ${vector.length}`);
  }
  for (const entry of vector) {
    if (entry === Number.POSITIVE_INFINITY || entry === Number.NEGATIVE_INFINITY) {
      throw unfit(method, 'was given an infinite number');
    }
  }
  return vector;
}

/** A vector without missing entries. Errors: record-unfit. */
export function completeVectorOf(method: string, value: Value, dimensions: number | null): Float32Array {
  const vector = vectorOf(method, value, dimensions);
  if (vector === null || vector.some(Number.isNaN)) {
    throw unfit(method, 'was given a missing number; put missing-imputed before it');
  }
  return vector;
}
