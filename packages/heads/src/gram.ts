/**
 * The Gram matrix G = Σ x xᵀ is where the time of learning goes, D²/2 multiply-adds a label. This is its layout, and the plain kernel
 * that adds to it; a faster kernel must give the same integers.
 *
 * Exactness. Entries are integers in float64. With |x_i| ≤ 2^13 (see quantization.ts) each product is at most 2^26, so that with
 * n ≤ 2^27 examples every entry of G, and every partial sum on the way, is an integer of at most 2^53: float64 holds each of these
 * exactly, and additions of them are exact in any order. (With the lift's 11,585 a product is under 2^27, and n ≤ 2^26.) Within a
 * block of sixteen examples a sum of products is at most 16 · 11,585² = 2,147,393,600 < 2^31: an int32 holds it.
 */

/** Examples that are multiplied in int32 before they are added to G. */
export const blockSize = 16;

/** D rounded up to a multiple of four, so that a kernel can take four columns at a time. The columns added stay zero. */
export function paddedDimensions(dimensions: number): number {
  return Math.ceil(dimensions / 4) * 4;
}

/**
 * Where row i of the upper triangle starts: rows lie one behind the other, row i from column `rowStart(i)` to the padded width, so that
 * each starts at a multiple of four columns. The up to three entries left of the diagonal are those of the mirrored places.
 */
export function rowOffset(row: number, width: number): number {
  const block = row >> 2;
  return 4 * (block * width - 2 * block * (block - 1)) + (row & 3) * (width - 4 * block);
}

/** First column that is stored of a row. */
export function rowStart(row: number): number {
  return row & ~3;
}

/** Float64 entries of a triangle of this width (a multiple of four). */
export function gramLength(width: number): number {
  return rowOffset(width, width);
}

/** Adds vectors to (or takes them out of) the Gram matrix that it holds. */
export interface GramAccumulator {
  /** The entries, as laid out above; valid until the next call of `accumulate`. */
  readonly entries: Float64Array;
  /**
   * entries += sign · Σ x xᵀ over `count` ≤ 16 vectors, which lie one behind the other in `block`, each `width` long. The rest of the
   * block is zero.
   */
  accumulate(block: Int16Array, sign: 1 | -1): void;
}

/** A kernel in plain TypeScript. */
export function createPlainGram(width: number): GramAccumulator {
  const entries = new Float64Array(gramLength(width));
  const columns = new Int32Array(width * blockSize);
  return {
    entries,
    accumulate(block, sign) {
      transpose(block, columns, width);
      for (let row = 0; row < width; row++) addRow(entries, columns, row, width, sign);
    },
  };
}

/** Sixteen values of one dimension side by side. */
function transpose(block: Int16Array, columns: Int32Array, width: number): void {
  for (let example = 0; example < blockSize; example++) {
    for (let i = 0; i < width; i++) columns[i * blockSize + example] = block[example * width + i] ?? 0;
  }
}

/** Products of int32 stay exact in float64, and their sums below 2^31. */
function addRow(entries: Float64Array, columns: Int32Array, row: number, width: number, sign: number): void {
  let at = rowOffset(row, width);
  const a = columns.subarray(row * blockSize, (row + 1) * blockSize);
  for (let j = rowStart(row) * blockSize; j < width * blockSize; j += blockSize) {
    let sum = 0;
    for (let example = 0; example < blockSize; example++) {
      sum += (a[example] ?? 0) * (columns[j + example] ?? 0);
    }
    entries[at] = (entries[at] ?? 0) + sign * sum;
    at++;
  }
}
