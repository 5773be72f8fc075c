/**
 * Eigenvectors of a symmetric tridiagonal matrix by inverse iteration: a solve with T − λ amplifies the components that belong
 * to λ.
 */
import { dot } from '@headwater/heads/algebra';

/**
 * A symmetric tridiagonal matrix, with a norm of about one. Coupling i is between i and i + 1, and is zero or above 2^−52; the
 * last one is zero.
 */
export interface SymmetricBand {
  readonly diagonal: Float64Array;
  readonly coupling: Float64Array;
}

/** Lower bound of a pivot. */
const leastPivot = 2 ** -52;
/** Vectors of consecutive values that are this close are orthogonalized; others are orthogonal already. As in LAPACK. */
const closest = 1e-3;
const rounds = 3;
/**
 * Exactly at a value, rounding errors would select one of several vectors that share it; with this offset all are amplified
 * alike.
 */
const beside = 2 ** -46;
/** Lower bound of the squared length of a unit vector after orthogonalization: less is rounding error. */
const leastLeft = 2 ** -14;
const mostDraws = 8;

/** Orthogonal vectors of unit length for values in descending order. */
export function invert(band: SymmetricBand, values: Float64Array): Float64Array[] {
  const vectors: Float64Array[] = [];
  let cluster = 0;
  values.forEach((value, index) => {
    if (index > 0 && (values[index - 1] ?? 0) - value > closest) cluster = index;
    vectors.push(iterate(factor(band, value + beside), vectors, cluster));
  });
  return vectors;
}

/** Restarts with another vector if orthogonalization leaves nothing. */
function iterate(factors: BandFactors, known: readonly Float64Array[], cluster: number): Float64Array {
  const size = factors.pivots.length;
  let draws = 0;
  let vector = startVector(size, known.length, draws);
  for (let round = 0; round < rounds; round++) {
    solve(factors, vector);
    vector = normalized(vector);
    // A second pass removes the rounding errors of the first.
    for (let pass = 0; pass < 2; pass++) removeAll(vector, known, cluster);
    if (dot(vector, vector) < leastLeft && draws < mostDraws) {
      draws++;
      round = -1;
      vector = startVector(size, known.length, draws);
    } else vector = normalized(vector);
  }
  return vector;
}

/** T − λ = P L U: U has three diagonals, L one below its own. */
interface BandFactors {
  readonly pivots: Float64Array;
  readonly next: Float64Array;
  readonly afterNext: Float64Array;
  readonly multipliers: Float64Array;
  readonly swapped: Uint8Array;
}

/** Gaussian elimination with partial pivoting. */
function factor({ diagonal, coupling }: SymmetricBand, value: number): BandFactors {
  const size = diagonal.length;
  const [pivots, next, afterNext, multipliers] = Array.from({ length: 4 }, () => new Float64Array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const swapped = new Uint8Array(size);
  let own = (diagonal[0] ?? 0) - value;
  let right = coupling[0] ?? 0;
  for (let i = 0; i + 1 < size; i++) {
    const side = coupling[i] ?? 0;
    const below = (diagonal[i + 1] ?? 0) - value;
    const belowRight = coupling[i + 1] ?? 0;
    if (Math.abs(side) > Math.abs(own)) {
      swapped[i] = 1;
      pivots[i] = side;
      next[i] = below;
      afterNext[i] = belowRight;
      const multiplier = own / side;
      multipliers[i] = multiplier;
      own = right - multiplier * below;
      right = -multiplier * belowRight;
    } else {
      const pivot = atLeast(own);
      pivots[i] = pivot;
      next[i] = right;
      const multiplier = side / pivot;
      multipliers[i] = multiplier;
      own = below - multiplier * right;
      right = belowRight;
    }
  }
  pivots[size - 1] = atLeast(own);
  return { pivots, next, afterNext, multipliers, swapped };
}

function atLeast(pivot: number): number {
  if (Math.abs(pivot) >= leastPivot) return pivot;
  return pivot < 0 ? -leastPivot : leastPivot;
}

/** (T − λ) y = x, in place. */
function solve({ pivots, next, afterNext, multipliers, swapped }: BandFactors, x: Float64Array): void {
  const size = x.length;
  for (let i = 0; i + 1 < size; i++) {
    const above = x[i] ?? 0;
    const below = x[i + 1] ?? 0;
    const [first, second] = swapped[i] === 1 ? [below, above] : [above, below];
    x[i] = first;
    x[i + 1] = second - (multipliers[i] ?? 0) * first;
  }
  for (let i = size - 1; i >= 0; i--) {
    const known = (next[i] ?? 0) * (x[i + 1] ?? 0) + (afterNext[i] ?? 0) * (x[i + 2] ?? 0);
    x[i] = ((x[i] ?? 0) - known) / (pivots[i] ?? 1);
  }
}

/** Removes from a vector its components along those from `first` on. */
function removeAll(vector: Float64Array, vectors: readonly Float64Array[], first: number): void {
  for (let i = first; i < vectors.length; i++) {
    const other = vectors[i] ?? vector;
    const along = dot(vector, other);
    for (let j = 0; j < vector.length; j++) vector[j] = (vector[j] ?? 0) - along * (other[j] ?? 0);
  }
}

/** Scaled first, so that squares do not overflow. */
function normalized(vector: Float64Array): Float64Array {
  const largest = vector.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
  const scaled = vector.map((entry) => entry / (largest || 1));
  const length = Math.sqrt(dot(scaled, scaled));
  return scaled.map((entry) => entry / (length || 1));
}

/** Has a component along every eigenvector; different for each. A counter, mixed by the finalizer of MurmurHash3. */
function startVector(size: number, index: number, draw: number): Float64Array {
  return new Float64Array(size).map((_, i) => {
    let word = Math.imul((draw * 65_537 + index) * size + i + 1, 0x9e3779b9);
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return (word ^ (word >>> 16)) / 2 ** 31;
  });
}
