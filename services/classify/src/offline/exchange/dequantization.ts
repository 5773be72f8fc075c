/**
 * A training set has quantised vectors, the topic of vectors has floats. This returns floats that quantise to
 * exactly the exported numbers, so that an imported set has the same digest.
 */
import { HeadwaterError } from '@headwater/errors';
import { quantize } from '@headwater/heads';

/** The integer that represents 1.0. */
const unit = 8192;
const halvings = 40;

/**
 * Returns a float32 vector with the given quantisation. Rounding has moved each entry by up to a half, and
 * the length from 8192 to near it. Moving all entries by one amount of at most a half restores the length, so
 * that scaling changes nothing and rounding undoes the move. Such an amount exists for every result of
 * `quantize`. Errors: record-invalid for other numbers.
 */
export function dequantize(quantized: Int16Array): Float32Array {
  for (const shift of shiftsOf(quantized)) {
    const vector = shifted(quantized, shift);
    if (isSame(quantize(vector), quantized)) return vector;
  }
  throw new HeadwaterError('record-invalid', 'the numbers are not a quantised unit vector');
}

/** Zero first, which suits most vectors; then the amount that restores the length. */
function* shiftsOf(quantized: Int16Array): Iterable<number> {
  yield 0;
  const isLong = lengthOf(quantized, 0) > unit;
  let [low, high] = [0, 0.5];
  for (let step = 0; step < halvings; step++) {
    const middle = (low + high) / 2;
    const length = lengthOf(quantized, isLong ? -middle : middle);
    if (isLong === length > unit) low = middle;
    else high = middle;
  }
  for (const amount of [(low + high) / 2, low, high]) yield isLong ? -amount : amount;
}

/** Moves every entry away from zero (or towards it); zeros only away from it. */
function shifted(quantized: Int16Array, by: number): Float32Array {
  return Float32Array.from(quantized, (entry) => moved(entry, by) / unit);
}

function moved(entry: number, by: number): number {
  if (entry === 0) return Math.max(by, 0);
  return entry > 0 ? entry + by : entry - by;
}

function lengthOf(quantized: Int16Array, by: number): number {
  let squares = 0;
  for (const entry of quantized) squares += moved(entry, by) ** 2;
  return Math.sqrt(squares);
}

function isSame(a: Int16Array, b: Int16Array): boolean {
  return a.every((entry, index) => entry === b[index]);
}
