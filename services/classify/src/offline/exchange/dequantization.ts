/**
 * A labelled set holds quantised vectors, the topic of vectors holds floats. This finds floats that quantise to exactly
 * what was exported, so that a set is the same, to the last bit of its digest, after it came back.
 */
import { HeadwaterError } from '@headwater/errors';
import { quantize } from '@headwater/heads';

/** The integer that stands for 1.0. */
const unit = 8192;
const halvings = 40;

/**
 * A vector of float32 whose quantisation is the given one. Rounding has moved each entry by up to a half, and with them the length from
 * 8192 to something near it; here all entries are moved by the same amount, at most a half, until the length is 8192 again: then
 * scaling by the length changes nothing any more, and rounding undoes the move. Such an amount exists for everything that `quantize` answers.
 * Errors: record-invalid for numbers that no vector is quantised to.
 */
export function dequantize(quantized: Int16Array): Float32Array {
  for (const shift of shiftsOf(quantized)) {
    const vector = shifted(quantized, shift);
    if (isSame(quantize(vector), quantized)) return vector;
  }
  throw new HeadwaterError('record-invalid', 'The numbers are not a quantised unit vector');
}

/** None first, as most vectors need none; then the one that restores the length. */
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

/** Every entry further from zero (or nearer to it); zeros move only outwards. */
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
