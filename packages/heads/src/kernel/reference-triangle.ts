/**
 * Solves with the factor U of A = UᵀU, as `eliminate` leaves it: `width` rows that are `columns` apart, of which the upper
 * triangle is read. A few vectors at a time, which lie one after the other and are overwritten; each row of U is read once for
 * all of them.
 */

/** U⁻ᵀ g, for each of the first `count` vectors. */
export function solveTransposed(
  factor: Float64Array,
  width: number,
  columns: number,
  vectors: Float64Array,
  count: number,
): void {
  for (let i = 0; i < width; i++) {
    const row = factor.subarray(i * columns, i * columns + width);
    for (let start = 0; start < count * width; start += width) {
      const value = (vectors[start + i] ?? 0) / (row[i] ?? 1);
      vectors[start + i] = value;
      for (let j = i + 1; j < width; j++) {
        vectors[start + j] = (vectors[start + j] ?? 0) - value * (row[j] ?? 0);
      }
    }
  }
}

/** U⁻¹ v, for each of the first `count` vectors. Sums use two lanes, by column modulo 2. */
export function solveUpper(
  factor: Float64Array,
  width: number,
  columns: number,
  vectors: Float64Array,
  count: number,
): void {
  for (let i = width - 1; i >= 0; i--) {
    const row = factor.subarray(i * columns, i * columns + width);
    for (let start = 0; start < count * width; start += width) {
      let even = 0;
      let odd = 0;
      let j = i + 1;
      for (; j + 1 < width; j += 2) {
        even += (row[j] ?? 0) * (vectors[start + j] ?? 0);
        odd += (row[j + 1] ?? 0) * (vectors[start + j + 1] ?? 0);
      }
      if (j < width) even += (row[j] ?? 0) * (vectors[start + j] ?? 0);
      vectors[start + i] = ((vectors[start + i] ?? 0) - (even + odd)) / (row[i] ?? 1);
    }
  }
}
