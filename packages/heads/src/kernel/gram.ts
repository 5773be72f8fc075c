/**
 * The Gram matrix G = Σ x xᵀ takes most of the training time: D²/2 multiply-adds for each label. This file defines its layout,
 * and the buffer in which vectors wait until there are enough of them for a kernel call.
 *
 * Exactness. Entries are integers in float64. With |x_i| ≤ 2^13 (see quantization.ts) each product is at most 2^26, so that
 * with n ≤ 2^27 examples every entry of G, and every partial sum on the way, is an integer of at most 2^53: float64 holds each
 * of these exactly, and additions of them are exact in any order. (With the 11,585 of a feature expansion a product is under
 * 2^27, and n ≤ 2^26.) Within a block of sixteen vectors a sum of products is at most 16 · 11,585² = 2,147,395,600 < 2^31: an
 * int32 holds it.
 */
import type { GramMemory, Kernel } from './api.ts';

/** Vectors whose products are summed in int32 before they are added to G. */
export const blockSize = 16;
/** Blocks that are buffered, so that G passes through the cache once for all of them. */
export const maximumBlocks = 4;

/** D rounded up to a multiple of four, so that a kernel can process four columns at a time. The added columns stay zero. */
export function paddedDimensions(dimensions: number): number {
  return Math.ceil(dimensions / 4) * 4;
}

/**
 * Offset of row i of the upper triangle: rows lie one after the other, row i from column `rowStart(i)` to the padded width, so
 * that each starts at a multiple of four columns. The up to three entries left of the diagonal equal the mirrored entries.
 */
export function rowOffset(row: number, width: number): number {
  const block = row >> 2;
  return 4 * (block * width - 2 * block * (block - 1)) + (row & 3) * (width - 4 * block);
}

/** The first stored column of a row. */
export function rowStart(row: number): number {
  return row & ~3;
}

/** Float64 entries of a triangle of this width (a multiple of four). */
export function gramLength(width: number): number {
  return rowOffset(width, width);
}

/** Offset of a value in a block: for each four dimensions and each pair of vectors, eight int16: both vectors' x_j, x_{j+1}, … */
function packedIndex(dimension: number, vector: number): number {
  return (dimension >> 2) * 64 + (vector >> 1) * 8 + (dimension & 3) * 2 + (vector & 1);
}

export class Gram {
  readonly width: number;
  readonly #kernel: Kernel;
  /** Holds the matrix until the first vector is added: a kernel's memory is allocated only when it is needed. */
  #restored: Float64Array | null = null;
  #memory: GramMemory | null = null;
  #pending = 0;
  #negative = false;

  constructor(width: number, kernel: Kernel) {
    this.width = width;
    this.#kernel = kernel;
  }

  /** The matrix, in the layout above; valid until the next change. */
  get entries(): Float64Array {
    this.#flush();
    this.#restored ??= this.#memory === null ? new Float64Array(gramLength(this.width)) : null;
    return this.#restored ?? this.#open().entries;
  }

  /** G ± x xᵀ */
  add(vector: Int16Array, negative: boolean): void {
    if (this.#negative !== negative) this.#flush();
    this.#negative = negative;
    const { packed } = this.#open();
    const base = (this.#pending >> 4) * this.width * blockSize;
    const slot = this.#pending & 15;
    for (let i = 0; i < vector.length; i++) packed[base + packedIndex(i, slot)] = vector[i] ?? 0;
    this.#pending++;
    if (this.#pending === maximumBlocks * blockSize) this.#flush();
  }

  /** Adds another Gram matrix. */
  merge(entries: Float64Array): void {
    if (this.#memory === null && this.#restored === null) {
      this.#restored = entries.slice();
      return;
    }
    const own = this.entries;
    for (let i = 0; i < own.length; i++) own[i] = (own[i] ?? 0) + (entries[i] ?? 0);
  }

  #open(): GramMemory {
    if (this.#memory === null) {
      this.#memory = this.#kernel.createGram(this.width);
      if (this.#restored !== null) this.#memory.entries.set(this.#restored);
      this.#restored = null;
    }
    return this.#memory;
  }

  #flush(): void {
    if (this.#pending === 0) return;
    const memory = this.#open();
    const blocks = Math.ceil(this.#pending / blockSize);
    memory.accumulate(blocks, this.#negative);
    memory.packed.fill(0, 0, blocks * this.width * blockSize);
    this.#pending = 0;
  }
}
