/**
 * Eigenvalues and the first eigenvectors of a symmetric matrix, with the same bits on every engine: Householder's tridiagonal
 * form (the kernel of heads), the implicit QL method for all values (Dubrulle, Martin, Wilkinson: The Implicit QL Algorithm,
 * 1968), and inverse iteration for the requested vectors (Golub, Van Loan, section 8.4.2; as LAPACK's dstein), with additions,
 * multiplications, divisions and square roots in one fixed order. Rotating all vectors along with QL, as libraries do, took
 * eight times as long at a size of 1,280.
 */
import { HeadwaterError } from '@headwater/errors';
import { chooseKernel, dot, tridiagonalize } from '@headwater/heads/algebra';
import { invert, type SymmetricBand } from './inverse-iteration.ts';

const mostSweeps = 60;
const epsilon = 2 ** -52;
const negligible = 2 ** -200;

export interface Eigenvectors {
  /** Descending. */
  readonly values: Float64Array;
  /** The vectors of the first values, of unit length; the first entry of largest size is positive. */
  vectors(count: number): Float64Array[];
}

/** For size × size entries whose upper triangle is read; `size` is a multiple of four. */
export function eigenvectors(symmetric: Float64Array, size: number): Eigenvectors {
  const scale = symmetric.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0) || 1;
  const rows = Array.from({ length: size }, (_, i) => unitVector(size, i));
  const { diagonal, coupling } = tridiagonalize(chooseKernel(), scaled(symmetric, scale), size, rows);
  const band = { diagonal, coupling: coupling.map((side) => (Math.abs(side) > epsilon ? side : 0)) };
  const values = eigenvalues(band).sort().reverse();
  return {
    values: values.map((value) => value * scale),
    vectors(count) {
      const found = invert(band, values.subarray(0, count));
      return found.map((vector) => withSign(Float64Array.from(rows, (row) => dot(row, vector))));
    },
  };
}

/** Entries of at most one; entries whose squares would underflow become zero. */
function scaled(symmetric: Float64Array, scale: number): Float64Array {
  return symmetric.map((entry) => (Math.abs(entry) < scale * negligible ? 0 : entry / scale));
}

function eigenvalues({ diagonal, coupling }: SymmetricBand): Float64Array {
  const d = diagonal.slice();
  const e = coupling.slice();
  for (let first = 0; first < d.length; first++) {
    for (let sweeps = 0; ; sweeps++) {
      const last = endOfBlock(e, first);
      if (last === first) break;
      if (sweeps === mostSweeps) {
        throw new HeadwaterError('sample-insufficient', 'the eigenvectors did not converge');
      }
      sweep(d, e, first, last);
    }
  }
  return d;
}

/** The end of the block from `first` on whose couplings are not negligible; the matrix has entries of about one. */
function endOfBlock(coupling: Float64Array, first: number): number {
  let last = first;
  while (last + 1 < coupling.length && Math.abs(coupling[last] ?? 0) > epsilon) last++;
  return last;
}

/** One implicit QL step with Wilkinson's shift on the rows first to last. */
function sweep(d: Float64Array, e: Float64Array, first: number, last: number): void {
  const own = d[first] ?? 0;
  const side = e[first] ?? 0;
  const half = ((d[first + 1] ?? 0) - own) / (2 * side);
  const root = Math.sqrt(half * half + 1);
  let g = (d[last] ?? 0) - own + side / (half < 0 ? half - root : half + root);
  let sine = 1;
  let cosine = 1;
  let moved = 0;
  for (let i = last - 1; i >= first; i--) {
    const f = sine * (e[i] ?? 0);
    const b = cosine * (e[i] ?? 0);
    const length = hypotenuse(f, g);
    e[i + 1] = length;
    if (length === 0) {
      d[i + 1] = (d[i + 1] ?? 0) - moved;
      e[last] = 0;
      return;
    }
    sine = f / length;
    cosine = g / length;
    g = (d[i + 1] ?? 0) - moved;
    const r = ((d[i] ?? 0) - g) * sine + 2 * cosine * b;
    moved = sine * r;
    d[i + 1] = g + moved;
    g = cosine * r - b;
  }
  d[first] = (d[first] ?? 0) - moved;
  e[first] = g;
  e[last] = 0;
}

/** `Math.hypot` differs between engines. Scaled, so that squares neither overflow nor underflow. */
function hypotenuse(a: number, b: number): number {
  const large = Math.max(Math.abs(a), Math.abs(b));
  if (large === 0) return 0;
  const ratio = Math.min(Math.abs(a), Math.abs(b)) / large;
  return large * Math.sqrt(1 + ratio * ratio);
}

function unitVector(size: number, at: number): Float64Array {
  const vector = new Float64Array(size);
  vector[at] = 1;
  return vector;
}

function withSign(vector: Float64Array): Float64Array {
  let largest = 0;
  for (const entry of vector) if (Math.abs(entry) > Math.abs(largest)) largest = entry;
  return largest < 0 ? vector.map((entry) => -entry) : vector;
}
