/**
 * The solver of the linear heads: a Cholesky factorization A = UᵀU with right-hand sides as further columns, so that [A | B]
 * becomes [U | U⁻ᵀB]. Each entry is A_ij − u_0i·u_0j − u_1i·u_1j − …, in this order and rounded after each operation. Blocking
 * changes the order in which entries are processed, never the operations on one entry, and so no bit of the result.
 */

/** Rows that are finished before they are subtracted from the rows below them; a multiple of four. */
const panelRows = 32;

/**
 * Works in place on `rows` × `columns` float64 entries, row by row; `rows` is a multiple of four, `columns` ≥ `rows`. Entries
 * left of the diagonal are neither read nor kept. Returns false, with undefined content, where A is not positive definite.
 */
export function eliminate(matrix: Float64Array, rows: number, columns: number): boolean {
  for (let start = 0; start < rows; start += panelRows) {
    const end = Math.min(start + panelRows, rows);
    if (!factorPanel(matrix, columns, start, end)) return false;
    for (let row = end; row < rows; row += 2) {
      for (let pivot = start; pivot < end; pivot += 4) subtractFour(matrix, columns, row, pivot);
    }
  }
  return true;
}

function factorPanel(matrix: Float64Array, columns: number, start: number, end: number): boolean {
  for (let pivot = start; pivot < end; pivot++) {
    const at = pivot * columns;
    const diagonal = matrix[at + pivot] ?? 0;
    if (!(diagonal > 0 && diagonal < Number.POSITIVE_INFINITY)) return false;
    const scale = 1 / Math.sqrt(diagonal);
    for (let j = pivot; j < columns; j++) matrix[at + j] = (matrix[at + j] ?? 0) * scale;
    for (let row = pivot + 1; row < end; row++) subtractOne(matrix, columns, row, pivot);
  }
  return true;
}

function subtractOne(matrix: Float64Array, columns: number, row: number, pivot: number): void {
  const factor = matrix[pivot * columns + row] ?? 0;
  const from = pivot * columns;
  const to = row * columns;
  for (let j = row; j < columns; j++) {
    matrix[to + j] = (matrix[to + j] ?? 0) - factor * (matrix[from + j] ?? 0);
  }
}

/** Subtracts four pivot rows from two rows. Most of the time is spent here. */
function subtractFour(matrix: Float64Array, columns: number, row: number, pivot: number): void {
  const p0 = pivot * columns;
  const p1 = p0 + columns;
  const p2 = p1 + columns;
  const p3 = p2 + columns;
  const a0 = matrix[p0 + row] ?? 0;
  const a1 = matrix[p1 + row] ?? 0;
  const a2 = matrix[p2 + row] ?? 0;
  const a3 = matrix[p3 + row] ?? 0;
  const b0 = matrix[p0 + row + 1] ?? 0;
  const b1 = matrix[p1 + row + 1] ?? 0;
  const b2 = matrix[p2 + row + 1] ?? 0;
  const b3 = matrix[p3 + row + 1] ?? 0;
  const to = row * columns;
  for (let j = row; j < columns; j++) {
    const u0 = matrix[p0 + j] ?? 0;
    const u1 = matrix[p1 + j] ?? 0;
    const u2 = matrix[p2 + j] ?? 0;
    const u3 = matrix[p3 + j] ?? 0;
    const below = to + columns + j;
    matrix[to + j] = (matrix[to + j] ?? 0) - a0 * u0 - a1 * u1 - a2 * u2 - a3 * u3;
    matrix[below] = (matrix[below] ?? 0) - b0 * u0 - b1 * u1 - b2 * u2 - b3 * u3;
  }
}

/**
 * Turns [U | Z], as `eliminate` leaves it, into [U | U⁻¹Z], in place. Each entry is (z_i − u_ij·w_j − …) / u_ii with j from the
 * last row up to i + 1, in this order. Only the columns before `last` are solved, each independently.
 */
export function substituteBack(matrix: Float64Array, rows: number, columns: number, last = columns): void {
  for (let row = rows - 1; row >= 0; row--) {
    const at = row * columns;
    for (let below = rows - 1; below > row; below--) {
      const factor = matrix[at + below] ?? 0;
      const from = below * columns;
      for (let j = rows; j < last; j++)
        matrix[at + j] = (matrix[at + j] ?? 0) - factor * (matrix[from + j] ?? 0);
    }
    const pivot = matrix[at + row] ?? 1;
    for (let j = rows; j < last; j++) matrix[at + j] = (matrix[at + j] ?? 0) / pivot;
  }
}
