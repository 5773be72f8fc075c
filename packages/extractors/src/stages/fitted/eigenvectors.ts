/**
 * Eigenvalues and eigenvectors of a symmetric matrix, the same bits on every engine: Householder's tridiagonal form (heads' kernel, in
 * WebAssembly where there is one), then the implicit QL method (Dubrulle, Martin, Wilkinson: The Implicit QL Algorithm, 1968), with
 * additions, multiplications, divisions and square roots in one fixed order. ml-matrix would do the same in plain arrays, and several
 * times slower.
 */
import { HeadwaterError } from '@headwater/errors';
import { chooseKernel, type Tridiagonal, tridiagonalize } from '@headwater/heads/algebra';

const mostSweeps = 60;
const epsilon = 2 ** -52;

export interface Eigenvectors {
  /** Descending. */
  readonly values: Float64Array;
  /** Of unit length, as many as were asked for, and `size` long; the entry of largest size (the first of them) is positive. */
  readonly vectors: readonly Float64Array[];
}

/** Of size × size entries whose upper triangle counts; `size` is a multiple of four. Time: about 3 s for a size of 1,280. */
export function eigenvectors(symmetric: Float64Array, size: number, wanted: number): Eigenvectors {
  const rows = Array.from({ length: size }, (_, i) => unitVector(size, i));
  const form = tridiagonalize(chooseKernel(), symmetric, size, rows);
  const columns = transpose(rows, size);
  const values = diagonalize(form, columns);
  const order = Array.from(values.keys()).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
  return {
    values: Float64Array.from(order, (i) => values[i] ?? 0),
    vectors: order.slice(0, wanted).map((i) => withSign(columns[i] ?? new Float64Array(size))),
  };
}

/** Turns columns of Q into eigenvectors, and answers their eigenvalues. */
function diagonalize(form: Tridiagonal, columns: Float64Array[]): Float64Array {
  const { size } = form;
  const diagonal = form.diagonal.slice();
  const coupling = form.coupling.slice();
  const negligible = epsilon * normOf(form);
  for (let first = 0; first < size; first++) {
    for (let sweeps = 0; ; sweeps++) {
      const last = endOfBlock(coupling, first, negligible);
      if (last === first) break;
      if (sweeps === mostSweeps) {
        throw new HeadwaterError(
          'sample-insufficient',
          'The directions of these vectors could not be told apart',
        );
      }
      sweep(diagonal, coupling, columns, first, last);
    }
  }
  return diagonal;
}

/** Couplings up to here are not negligible. */
function endOfBlock(coupling: Float64Array, first: number, negligible: number): number {
  let last = first;
  while (last + 1 < coupling.length && Math.abs(coupling[last] ?? 0) > negligible) last++;
  return last;
}

/** One implicit QL step with Wilkinson's shift on the rows first to last. */
function sweep(d: Float64Array, e: Float64Array, columns: Float64Array[], first: number, last: number): void {
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
    turn(columns[i] ?? d, columns[i + 1] ?? d, sine, cosine);
  }
  d[first] = (d[first] ?? 0) - moved;
  e[first] = g;
  e[last] = 0;
}

function turn(a: Float64Array, b: Float64Array, sine: number, cosine: number): void {
  for (let k = 0; k < a.length; k++) {
    const x = a[k] ?? 0;
    const y = b[k] ?? 0;
    a[k] = cosine * x - sine * y;
    b[k] = sine * x + cosine * y;
  }
}

/** `Math.hypot` differs between engines. Scaled, so that squares neither overflow nor vanish. */
function hypotenuse(a: number, b: number): number {
  const large = Math.max(Math.abs(a), Math.abs(b));
  if (large === 0) return 0;
  const ratio = Math.min(Math.abs(a), Math.abs(b)) / large;
  return large * Math.sqrt(1 + ratio * ratio);
}

function normOf({ diagonal, coupling }: Tridiagonal): number {
  let norm = 0;
  diagonal.forEach((entry, i) => {
    norm = Math.max(norm, Math.abs(entry) + Math.abs(coupling[i] ?? 0));
  });
  return norm;
}

function unitVector(size: number, at: number): Float64Array {
  const vector = new Float64Array(size);
  vector[at] = 1;
  return vector;
}

function transpose(rows: readonly Float64Array[], size: number): Float64Array[] {
  return Array.from({ length: size }, (_, j) => Float64Array.from(rows, (row) => row[j] ?? 0));
}

function withSign(vector: Float64Array): Float64Array {
  let largest = 0;
  for (const entry of vector) if (Math.abs(entry) > Math.abs(largest)) largest = entry;
  return largest < 0 ? vector.map((entry) => -entry) : vector;
}
