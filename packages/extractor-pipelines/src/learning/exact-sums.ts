/**
 * A sum of floats depends on their order. These sums of x and of x² have no rounding over the whole range of float32, so that
 * mean and deviation are exact and rounded once at the end (a long accumulator: Kulisch, 1971; in limbs of 24 bits).
 *
 * A float32 is m · 2^(s − 149) with |m| < 2^24 and 0 ≤ s ≤ 253. m · 2^(s mod 24) is split into parts of 24 bits, each added to
 * its limb; a float64 limb holds 2^29 of these exactly. A square has twice the limbs. Memory: 296 bytes per column.
 */
import { powerOfTwo } from '@headwater/heads/algebra';
import { z } from 'zod';
import { packedFloat64, packNumbers } from './packed-numbers.ts';

const limbBits = 24;
const limb = 2 ** limbBits;
const sumLimbs = 12;
const squareLimbs = 24;
/** The unit of a sum is 2^−149, that of a sum of squares 2^−298. */
const unitBits = 149;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The saved form. */
const savedSums = z
  .strictObject({ counts: packedFloat64, sums: packedFloat64, squares: packedFloat64 })
  .refine(({ counts, sums, squares }) => {
    return sums.length === counts.length * sumLimbs && squares.length === counts.length * squareLimbs;
  }, 'must have a limb for each place');

export class ExactSums {
  static readonly saved = savedSums.transform(({ counts, sums, squares }) => {
    const restored = new ExactSums(counts.length);
    restored.#counts.set(counts);
    restored.#sums.set(sums);
    restored.#squares.set(squares);
    return restored;
  });
  readonly columns: number;
  readonly #counts: Float64Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;

  constructor(columns: number) {
    this.columns = columns;
    this.#counts = new Float64Array(columns);
    this.#sums = new Float64Array(columns * sumLimbs);
    this.#squares = new Float64Array(columns * squareLimbs);
  }

  /** Entries are finite, or NaN where missing. */
  add(vector: Float32Array): void {
    for (let column = 0; column < this.columns; column++) {
      const value = vector[column] ?? Number.NaN;
      if (!Number.isNaN(value)) this.#addValue(column, value);
    }
  }

  merge(other: ExactSums): void {
    addTo(this.#counts, other.#counts);
    addTo(this.#sums, other.#sums);
    addTo(this.#squares, other.#squares);
  }

  save() {
    const [counts, sums, squares] = [this.#counts, this.#sums, this.#squares].map(packNumbers);
    return { counts, sums, squares };
  }

  /** Number of entries that are not missing. */
  count(column: number): number {
    return this.#counts[column] ?? 0;
  }

  /** Σx / n, rounded once; 0 without entries. */
  mean(column: number): number {
    const sum = total(this.#sums, column, sumLimbs);
    return divide(sum, BigInt(this.count(column)) << BigInt(unitBits));
  }

  /** √((n Σx² − (Σx)²) / n²): the population deviation, as in scikit-learn's StandardScaler; 0 without entries. */
  deviation(column: number): number {
    const n = BigInt(this.count(column));
    const sum = total(this.#sums, column, sumLimbs);
    const squares = total(this.#squares, column, squareLimbs);
    return Math.sqrt(divide(n * squares - sum * sum, (n * n) << BigInt(2 * unitBits)));
  }

  #addValue(column: number, value: number): void {
    float[0] = value;
    const word = bits[0] ?? 0;
    const exponent = (word >>> 23) & 0xff;
    const mantissa = (word & 0x7fffff) + (exponent === 0 ? 0 : 0x800000);
    const shift = exponent === 0 ? 0 : exponent - 1;
    this.#counts[column] = this.count(column) + 1;
    addPart(this.#sums, column * sumLimbs, shift, word >>> 31 === 1 ? -mantissa : mantissa);
    const square = mantissa * mantissa;
    const high = Math.floor(square / limb);
    addPart(this.#squares, column * squareLimbs, 2 * shift, square - high * limb);
    addPart(this.#squares, column * squareLimbs, 2 * shift + limbBits, high);
  }
}

/** Adds part · 2^shift, |part| < 2^24. */
function addPart(limbs: Float64Array, from: number, shift: number, part: number): void {
  const scaled = part * (1 << (shift % limbBits));
  const high = Math.trunc(scaled / limb);
  const at = from + Math.floor(shift / limbBits);
  limbs[at] = (limbs[at] ?? 0) + (scaled - high * limb);
  if (high !== 0) limbs[at + 1] = (limbs[at + 1] ?? 0) + high;
}

function addTo(to: Float64Array, from: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] ?? 0) + (from[i] ?? 0);
}

function total(limbs: Float64Array, column: number, count: number): bigint {
  let sum = 0n;
  for (let i = count - 1; i >= 0; i--)
    sum = (sum << BigInt(limbBits)) + BigInt(limbs[column * count + i] ?? 0);
  return sum;
}

/**
 * The double nearest to a quotient, ties to even; 0 for a divisor of 0. The quotient is computed with 55 bits or more, and its
 * last bit records whether there is a remainder, so that the one rounding of Number() is correct. For results of 2^−900 to
 * 2^900.
 */
export function divide(dividend: bigint, divisor: bigint): number {
  if (dividend === 0n || divisor === 0n) return 0;
  const size = dividend < 0n ? -dividend : dividend;
  const shift = 60 - (bitLength(size) - bitLength(divisor));
  const scaled = shift > 0 ? size << BigInt(shift) : size;
  const under = shift < 0 ? divisor << BigInt(-shift) : divisor;
  const quotient = scaled / under;
  const sticky = scaled % under === 0n ? quotient : quotient | 1n;
  const result = Number(sticky) * powerOfTwo(-shift);
  return dividend < 0n ? -result : result;
}

function bitLength(value: bigint): number {
  return value.toString(16).length * 4;
}
