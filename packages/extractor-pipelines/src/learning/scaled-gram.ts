/**
 * Σ x and Σ x xᵀ of vectors of any size, exact in any order. Each vector is written as integers of at most 2^13 times its own
 * power of two, just large enough for its largest entry. Vectors of one power share sums of integers (heads' Gram matrix), and
 * the few sums are added in the order of their powers on request.
 *
 * A vector whose largest entry is below half a step (2^−13) of the largest vector's counts as zero, so that at most 14 powers
 * are kept; the largest entry of the set determines which ones, in any order. Entries are known to half a step of their
 * vector's largest one. Memory: 4 D² bytes per power that occurs; vectors of one origin have two or three.
 */
import {
  chooseKernel,
  Gram,
  gramLength,
  paddedDimensions,
  powerOfTwo,
  roundHalfToEven,
  rowOffset,
  rowStart,
} from '@headwater/heads/algebra';
import { z } from 'zod';
import { packedFloat64, packNumbers } from './packed-numbers.ts';

/** Bits of the integers, without the sign. */
const precision = 13;
const mostPowers = precision + 1;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

interface PowerSums {
  readonly sum: Float64Array;
  readonly gram: Gram;
}

/** First and second moments, in units of 2^power. */
export interface Moments {
  readonly power: number;
  /** `width` long; padding is zero. */
  readonly mean: Float64Array;
  /** Σ (x − mean)(x − mean)ᵀ / (n − 1), width × width; the upper triangle is valid. */
  readonly covariance: Float64Array;
  readonly width: number;
}

const savedPower = z.strictObject({ power: z.int(), sum: packedFloat64, gram: packedFloat64 });

export class ScaledGram {
  static readonly saved = z
    .strictObject({
      columns: z.int().positive(),
      vectors: z.int().nonnegative(),
      powers: z.array(savedPower),
    })
    .refine(({ columns, powers }) => {
      const width = paddedDimensions(columns);
      return powers.every(({ sum, gram }) => sum.length === width && gram.length === gramLength(width));
    }, 'must have an entry for each place')
    .transform(({ columns, vectors, powers }) => {
      const restored = new ScaledGram(columns);
      restored.#vectors = vectors;
      for (const { power, sum, gram } of powers) restored.#take(power, sum, gram);
      return restored;
    });

  readonly columns: number;
  readonly #width: number;
  readonly #powers = new Map<number, PowerSums>();
  #largest = Number.NEGATIVE_INFINITY;
  #vectors = 0;

  constructor(columns: number) {
    this.columns = columns;
    this.#width = paddedDimensions(columns);
  }

  get vectors(): number {
    return this.#vectors;
  }

  /** Entries are finite. */
  add(vector: Float32Array): void {
    this.#vectors++;
    const power = powerOf(vector);
    if (power === null || power <= this.#largest - mostPowers) return;
    const sums = this.#open(power);
    const scale = powerOfTwo(precision - power);
    const integers = Int16Array.from(vector, (entry) => roundHalfToEven(entry * scale));
    integers.forEach((integer, i) => {
      sums.sum[i] = (sums.sum[i] ?? 0) + integer;
    });
    sums.gram.add(integers, false);
  }

  merge(other: ScaledGram): void {
    this.#vectors += other.#vectors;
    for (const [power, { sum, gram }] of other.#powers) this.#take(power, sum, gram.entries);
  }

  save() {
    const powers = this.#ordered().map(([power, { sum, gram }]) => {
      return { power, sum: packNumbers(sum), gram: packNumbers(gram.entries) };
    });
    return { columns: this.columns, vectors: this.#vectors, powers };
  }

  /** Null if every vector was zero. Needs two vectors. */
  moments(): Moments | null {
    if (this.#powers.size === 0) return null;
    const width = this.#width;
    const n = this.#vectors;
    const mean = new Float64Array(width);
    const products = new Float64Array(gramLength(width));
    for (const [power, { sum, gram }] of this.#ordered()) {
      const scale = powerOfTwo(power - this.#largest);
      addScaled(mean, sum, scale);
      addScaled(products, gram.entries, scale * scale);
    }
    for (let i = 0; i < width; i++) mean[i] = (mean[i] ?? 0) / n;
    return { power: this.#largest - precision, mean, covariance: centre(products, mean, width, n), width };
  }

  #take(power: number, sum: Float64Array, gram: Float64Array): void {
    if (power <= this.#largest - mostPowers) return;
    const own = this.#open(power);
    addScaled(own.sum, sum, 1);
    own.gram.merge(gram);
  }

  #open(power: number): PowerSums {
    if (power > this.#largest) this.#grow(power);
    const known = this.#powers.get(power);
    if (known !== undefined) return known;
    const sums = { sum: new Float64Array(this.#width), gram: new Gram(this.#width, chooseKernel()) };
    this.#powers.set(power, sums);
    return sums;
  }

  #grow(largest: number): void {
    this.#largest = largest;
    for (const power of this.#powers.keys()) if (power <= largest - mostPowers) this.#powers.delete(power);
  }

  /** From the largest power on. */
  #ordered(): [number, PowerSums][] {
    return [...this.#powers].sort(([a], [b]) => b - a);
  }
}

/** The smallest power of two above every entry, as an exponent; null for a zero vector. */
function powerOf(vector: Float32Array): number | null {
  let largest = 0;
  for (const entry of vector) largest = Math.max(largest, Math.abs(entry));
  if (largest === 0) return null;
  float[0] = largest;
  return Math.max((bits[0] ?? 0) >>> 23, 1) - 126;
}

function addScaled(to: Float64Array, from: Float64Array, scale: number): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] ?? 0) + scale * (from[i] ?? 0);
}

/** (Σ x xᵀ − n m mᵀ) / (n − 1), from the layout of gram.ts to full rows. */
function centre(products: Float64Array, mean: Float64Array, width: number, n: number): Float64Array {
  const covariance = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    const from = rowOffset(i, width) - rowStart(i);
    for (let j = i; j < width; j++) {
      const product = (products[from + j] ?? 0) - n * (mean[i] ?? 0) * (mean[j] ?? 0);
      covariance[i * width + j] = product / (n - 1);
    }
  }
  return covariance;
}
