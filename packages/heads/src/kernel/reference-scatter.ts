/** Turns the Gram matrix into the input of a factorization, in place: forms the scatter and shrinks it. */

/**
 * Index in `subtractProducts`' layout of entry `column` of product `index` of `count`: four columns side by side for each
 * product.
 */
export function packedProductIndex(column: number, index: number, count: number): number {
  return ((column >> 2) * count + index) * 4 + (column & 3);
}

/**
 * entry_ij −= left_ki · right_kj for k = 0, 1, …, over the upper triangle of the left `width` columns, rounded after each
 * operation. Both factors are in the layout of `packedProductIndex`. Entries left of the diagonal are neither read nor kept.
 */
export function subtractProducts(
  matrix: Float64Array,
  width: number,
  columns: number,
  left: Float64Array,
  right: Float64Array,
  count: number,
): void {
  for (let row = 0; row < width; row++) {
    for (let k = 0; k < count; k++) {
      const factor = left[packedProductIndex(row, k, count)] ?? 0;
      for (let j = row; j < width; j++) {
        const at = row * columns + j;
        matrix[at] = (matrix[at] ?? 0) - factor * (right[packedProductIndex(j, k, count)] ?? 0);
      }
    }
  }
}

/** Sum of the squares of all entries of a symmetric matrix whose upper triangle is given, row by row. */
export function sumSquares(matrix: Float64Array, size: number, columns: number): number {
  let squares = 0;
  for (let row = 0; row < size; row++) {
    const diagonal = matrix[row * columns + row] ?? 0;
    squares += diagonal * diagonal;
    for (let j = row + 1; j < size; j++) {
      const entry = matrix[row * columns + j] ?? 0;
      squares += 2 * entry * entry;
    }
  }
  return squares;
}

/** entry = scale · entry, plus `ridge` on the diagonal, over the upper triangle of the left `width` columns. */
export function shrinkInPlace(
  matrix: Float64Array,
  width: number,
  columns: number,
  scale: number,
  ridge: number,
): void {
  for (let row = 0; row < width; row++) {
    for (let j = row; j < width; j++) {
      matrix[row * columns + j] = scale * (matrix[row * columns + j] ?? 0);
    }
    matrix[row * columns + row] = (matrix[row * columns + row] ?? 0) + ridge;
  }
}
