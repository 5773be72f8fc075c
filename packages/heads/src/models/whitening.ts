/**
 * Coordinates in which A = (1 − ε) S + ρ I, ρ = ε·tr(S)/D, is the identity, so that every distance of the discriminant is a
 * plain sum of squares. One ε uses a Cholesky factorization; many ε use the tridiagonal form.
 */
import type { Kernel } from '../kernel/api.ts';
import { scratchLength } from '../kernel/kernel.ts';
import { type Tridiagonal, tridiagonalize } from '../numerics/tridiagonal.ts';
import { type FormedScatter, ridgeOf, type Scatter } from './scatter.ts';

/** One vector x in other coordinates. */
export interface Whitened {
  /** U⁻ᵀ x where A = Uᵀ U: dot products of these are those of A⁻¹. */
  readonly whitened: Float64Array;
  /** A⁻¹ x, up to a rotation: dot products of these are those of A⁻². Empty where it was not requested. */
  readonly solved: Float64Array;
}

export interface Whitening {
  readonly epsilon: number;
  readonly ridge: number;
  readonly vectors: readonly Whitened[];
  /** tr(A⁻¹ S) = tr(W_ε⁻¹ W), where it is known without a pass over examples. */
  readonly effectiveDimensions: number | null;
}

/** Columns of the matrix of `whitenByCholesky`: those of the scatter, and one for each vector, rounded up to a multiple of four. */
export function columnsFor(width: number, vectors: number): number {
  return width + Math.ceil(vectors / 4) * 4;
}

const unsolved = new Float64Array(0);

/** Vectors are `width` long. Null where, after rounding, A is not positive definite. */
export function whitenByCholesky(
  kernel: Kernel,
  scatter: Scatter,
  epsilon: number,
  vectors: readonly Float64Array[],
): Whitening | null {
  const { width } = scatter;
  const columns = columnsFor(width, vectors.length);
  const [entries, scratch] = kernel.claim([width * columns, scratchLength(columns)]);
  for (let row = 0; row < width; row++) {
    const at = row * scatter.columns;
    entries.set(scatter.entries.subarray(at + row, at + width), row * columns + row);
  }
  return whitenInPlace(kernel, { ...scatter, columns, entries, scratch }, epsilon, vectors, 0);
}

/**
 * The same for a scatter that was formed with `columnsFor` this many vectors; it is overwritten. A⁻¹ x is computed only for the
 * vectors from `firstSolved` on: for the others it would double the cost.
 */
export function whitenInPlace(
  kernel: Kernel,
  scatter: FormedScatter,
  epsilon: number,
  vectors: readonly Float64Array[],
  firstSolved: number,
): Whitening | null {
  const { width, columns, entries, scratch } = scatter;
  const ridge = ridgeOf(scatter, epsilon);
  const order = [...vectors.slice(firstSolved), ...vectors.slice(0, firstSolved)];
  const solvedCount = vectors.length - firstSolved;
  kernel.shrinkInPlace(entries, width, columns, 1 - epsilon, ridge);
  writeColumns(entries, width, columns, order);
  if (!kernel.eliminate(entries, width, columns, scratch)) return null;
  const whitened = readColumns(entries, width, columns, order.length);
  kernel.substituteBack(entries, width, columns, columnsFor(width, solvedCount), scratch);
  const solved = readColumns(entries, width, columns, solvedCount);
  const list = whitened.map((values, i): Whitened => ({ whitened: values, solved: solved[i] ?? unsolved }));
  const split = list.slice(solvedCount);
  return { epsilon, ridge, vectors: [...split, ...list.slice(0, solvedCount)], effectiveDimensions: null };
}

/** The same for many ε: calls are cheap after the first. Overwrites the vectors. */
export function prepareWhitening(kernel: Kernel, scatter: Scatter, vectors: readonly Float64Array[]) {
  const form = tridiagonalize(kernel, scatter.entries, scatter.width, vectors);
  return (epsilon: number): Whitening | null => {
    const scale = 1 - epsilon;
    const ridge = ridgeOf(scatter, epsilon);
    const factor = factorTridiagonal(form, scale, ridge);
    if (factor === null) return null;
    return {
      epsilon,
      ridge,
      vectors: vectors.map((vector) => whitenTridiagonal(factor, vector)),
      effectiveDimensions: (form.size - ridge * traceOfInverse(form, factor, scale, ridge)) / scale,
    };
  };
}

/** (1 − ε) T + ρ I = L Δ Lᵀ, with ones on the diagonal of L. */
interface TridiagonalFactor {
  readonly pivots: Float64Array;
  readonly roots: Float64Array;
  /** Entry i of L left of the diagonal, in row i. */
  readonly lower: Float64Array;
}

function factorTridiagonal(form: Tridiagonal, scale: number, ridge: number): TridiagonalFactor | null {
  const { size, diagonal, coupling } = form;
  const pivots = new Float64Array(size);
  const lower = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const side = i === 0 ? 0 : scale * (coupling[i - 1] ?? 0);
    const ratio = i === 0 ? 0 : side / (pivots[i - 1] ?? 1);
    const pivot = scale * (diagonal[i] ?? 0) + ridge - ratio * side;
    if (!(pivot > 0)) return null;
    lower[i] = ratio;
    pivots[i] = pivot;
  }
  return { pivots, lower, roots: pivots.map(Math.sqrt) };
}

function whitenTridiagonal({ pivots, roots, lower }: TridiagonalFactor, vector: Float64Array): Whitened {
  const size = vector.length;
  const whitened = new Float64Array(size);
  const solved = new Float64Array(size);
  let value = 0;
  for (let i = 0; i < size; i++) {
    value = (vector[i] ?? 0) - (lower[i] ?? 0) * value;
    whitened[i] = value / (roots[i] ?? 1);
    solved[i] = value / (pivots[i] ?? 1);
  }
  for (let i = size - 2; i >= 0; i--)
    solved[i] = (solved[i] ?? 0) - (lower[i + 1] ?? 0) * (solved[i + 1] ?? 0);
  return { whitened, solved };
}

/** The diagonal of a tridiagonal inverse is 1 / (δ_i + δ'_i − a_i), with pivots δ from the first row down and δ' from the last row up. */
function traceOfInverse(form: Tridiagonal, factor: TridiagonalFactor, scale: number, ridge: number): number {
  const { size, diagonal, coupling } = form;
  let trace = 0;
  let upward = Number.POSITIVE_INFINITY;
  for (let i = size - 1; i >= 0; i--) {
    const own = scale * (diagonal[i] ?? 0) + ridge;
    const side = scale * (coupling[i] ?? 0);
    upward = own - (side * side) / upward;
    trace += 1 / ((factor.pivots[i] ?? 1) + upward - own);
  }
  return trace;
}

/** Row by row, in the layout of the matrix; columns without a vector are zero. */
function writeColumns(
  matrix: Float64Array,
  width: number,
  columns: number,
  vectors: readonly Float64Array[],
): void {
  for (let i = 0; i < width; i++) {
    const at = i * columns + width;
    for (let k = 0; k < vectors.length; k++) matrix[at + k] = vectors[k]?.[i] ?? 0;
    matrix.fill(0, at + vectors.length, (i + 1) * columns);
  }
}

function readColumns(matrix: Float64Array, width: number, columns: number, count: number): Float64Array[] {
  const vectors = Array.from({ length: count }, () => new Float64Array(width));
  for (let i = 0; i < width; i++) {
    const at = i * columns + width;
    vectors.forEach((vector, k) => {
      vector[i] = matrix[at + k] ?? 0;
    });
  }
  return vectors;
}
