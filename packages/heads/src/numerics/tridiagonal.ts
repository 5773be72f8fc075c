/**
 * Many ε can be tried with one tridiagonal form of the scatter: S = Q T Qᵀ. Since Q leaves the identity unchanged, (1 − ε) S +
 * ρ I becomes (1 − ε) T + ρ I for every ε, and a solve takes D steps instead of D². (Householder's method: Golub, Van Loan,
 * Matrix Computations, section 8.3.1.)
 */
import type { Kernel } from '../kernel/api.ts';
import { laneCount, updateRow } from '../kernel/reference-tridiagonal.ts';

/** A value below the root of this one, about 10^−145, is pure rounding error: dividing by its square would overflow. */
const leastTail = 2 ** -960;

/** A symmetric tridiagonal matrix. */
export interface Tridiagonal {
  readonly size: number;
  readonly diagonal: Float64Array;
  /** Entry i couples i and i + 1; the last one is zero. */
  readonly coupling: Float64Array;
}

/**
 * Brings size × size entries, of which the upper triangle is read, into tridiagonal form, and turns each vector x into Qᵀ x, in
 * place. `size` is a multiple of four.
 */
export function tridiagonalize(
  kernel: Kernel,
  symmetric: Float64Array,
  size: number,
  vectors: readonly Float64Array[],
): Tridiagonal {
  const [entries, one, other, betas, lanes] = kernel.claim([size * size, size, size, size, size * laneCount]);
  entries.set(symmetric);
  const diagonal = new Float64Array(size);
  const coupling = new Float64Array(size);
  betas.fill(0);
  let w: Float64Array | null = null;
  for (let k = 0; k < size; k++) {
    if (w !== null) updateRow(entries, size, k - 1, k, w);
    diagonal[k] = entries[k * size + k] ?? 0;
    if (k + 1 === size) break;
    const beta = reflect(entries, k * size + k + 1, (k + 1) * size, coupling, k);
    betas[k] = beta;
    const product: Float64Array = w === one ? other : one;
    product.fill(0);
    kernel.advance(entries, size, k - 1, w, beta === 0 ? null : product);
    if (beta !== 0) combine(entries, size, k, beta, product);
    w = beta === 0 ? null : product;
  }
  rotate(vectors, size, lanes, () => kernel.rotateLanes(entries, betas, size, lanes));
  return { size, diagonal, coupling };
}

/** Turns x, from `start` to `end`, into v with (I − β v vᵀ) x = (coupling, 0, …); returns β, or 0 where x has that form already. */
function reflect(
  entries: Float64Array,
  start: number,
  end: number,
  coupling: Float64Array,
  k: number,
): number {
  const first = entries[start] ?? 0;
  let tail = 0;
  for (let i = start + 1; i < end; i++) tail += (entries[i] ?? 0) * (entries[i] ?? 0);
  if (tail < leastTail) {
    coupling[k] = first;
    return 0;
  }
  const norm = Math.sqrt(first * first + tail);
  coupling[k] = first > 0 ? -norm : norm;
  entries[start] = first > 0 ? first + norm : first - norm;
  return 1 / (norm * (norm + Math.abs(first)));
}

/** product becomes w = p − (β/2)(pᵀv) v with p = β · product. */
function combine(entries: Float64Array, size: number, k: number, beta: number, product: Float64Array): void {
  const v = k * size;
  let dot = 0;
  for (let j = k + 1; j < size; j++) {
    const p = beta * (product[j] ?? 0);
    product[j] = p;
    dot += p * (entries[v + j] ?? 0);
  }
  const factor = 0.5 * beta * dot;
  for (let j = k + 1; j < size; j++) product[j] = (product[j] ?? 0) - factor * (entries[v + j] ?? 0);
}

/** Processes eight vectors at a time, so that the reflections are read once for all of them. */
function rotate(vectors: readonly Float64Array[], size: number, lanes: Float64Array, turn: () => void): void {
  for (let first = 0; first < vectors.length; first += laneCount) {
    const some = vectors.slice(first, first + laneCount);
    lanes.fill(0);
    some.forEach((vector, lane) => {
      for (let i = 0; i < size; i++) lanes[i * laneCount + lane] = vector[i] ?? 0;
    });
    turn();
    some.forEach((vector, lane) => {
      for (let i = 0; i < size; i++) vector[i] = lanes[i * laneCount + lane] ?? 0;
    });
  }
}
