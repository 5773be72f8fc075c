/**
 * The marginal Mahalanobis distance of a vector from the center, n·yᵀA⁻¹y with A = (1 − ε) S + ρ I, in all directions and not
 * only in those that separate classes; a part of novelty. The inverse itself would be D² numbers in every head. The directions
 * of largest variance hold nearly all of it; in the others, A is approximated by a multiple of the identity (s², their mean
 * variance):
 *
 * n·yᵀA⁻¹y ≈ n |y|²/s² − bᵀ N b, b = Bᵀy, N = n (I/s² − (BᵀAB)⁻¹).
 *
 * B comes from subspace iteration (Halko, Martinsson, Tropp: Finding Structure with Randomness, 2011, algorithm 4.4), a few
 * rounds from a fixed start: it need not converge, because BᵀAB is exact for any B.
 */
import { eliminate, substituteBack } from '../kernel/elimination.ts';
import { ridgeOf, type Scatter } from '../models/scatter.ts';
import { bilinear, dot, subtract } from '../numerics/vector-arithmetic.ts';

/** Number of directions; fewer where there are not this many examples for each. 16 were as good on some digits, 64 no better. */
const maximumDirections = 32;
const examplesForEach = 25;
const dimensionsForEach = 8;
const fewestDirections = 4;
const rounds = 5;
/** The integer that represents 1.0 in the basis. */
const unit = 32_767;
const seed = 0x9e3779b9;
/** Lower bound for an example that accounts for nearly all of a direction, so that its distance stays finite. */
const smallestRest = 0.01;

export interface MarginalDistance {
  /** D: the mean of all vectors. */
  readonly center: Float64Array;
  /** Directions × D, each of unit length, as integers. */
  readonly basis: Int16Array;
  /** N, directions × directions. */
  readonly within: Float64Array;
  /** n / s² */
  readonly scale: number;
}

/** n·yᵀA⁻¹y, approximately, of a quantised vector. */
export function measureMarginalDistance(marginalDistance: MarginalDistance, vector: Int16Array): number {
  const y = centered(marginalDistance, vector);
  const b = project(marginalDistance, y);
  return marginalDistance.scale * dot(y, y) - bilinear(marginalDistance.within, b, b);
}

/**
 * The same for one of the examples, from the values without it: S loses c u uᵀ with u = x − μ of its class and c = count/(count
 * − 1), BᵀAB loses its projection, s² its share, and the center moves. The directions turn away from x as one more round of the
 * iteration would turn them, to first order: B becomes B − g (I − BBᵀ) u (A_B⁻¹ Bᵀu)ᵀ with g = (1 − ε) c. `mean` is that of its
 * class relative to the center, of `count` examples.
 */
export function leaveOneOutMarginalDistance(
  marginalDistance: MarginalDistance,
  { epsilon, examples }: { readonly epsilon: number; readonly examples: number },
  vector: Int16Array,
  mean: Float64Array,
  count: number,
): number {
  const { within, scale, center, basis } = marginalDistance;
  const y = centered(marginalDistance, vector);
  const u = subtract(y, mean.subarray(0, y.length), 1);
  const [inB, own] = [project(marginalDistance, y), project(marginalDistance, u)];
  const variance = examples / scale;
  const gain = ((1 - epsilon) * count) / (count - 1);
  const turn = solve(marginalDistance, own, variance, examples);
  const b = subtract(inB, turn, gain * (dot(u, y) - dot(own, inB)));
  const v = subtract(own, turn, gain * (dot(u, u) - dot(own, own)));
  const solved = solve(marginalDistance, v, variance, examples);
  const along = dot(b, solved);
  const rest = Math.max(1 - gain * dot(v, solved), smallestRest);
  const inside = dot(b, b) / variance - bilinear(within, b, b) / examples + (gain * along * along) / rest;
  const outside = (all: Float64Array, part: Float64Array) => Math.max(dot(all, all) - dot(part, part), 0);
  const others = center.length - basis.length / center.length;
  const left = Math.max(variance - (gain * outside(u, v)) / others, smallestRest * variance);
  return ((examples * examples) / (examples - 1)) * (inside + outside(y, b) / left);
}

/** (BᵀAB)⁻¹ p */
function solve(
  { within }: MarginalDistance,
  p: Float64Array,
  variance: number,
  examples: number,
): Float64Array {
  const size = p.length;
  return p.map((value, j) => {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += (within[j * size + k] ?? 0) * (p[k] ?? 0);
    return value / variance - sum / examples;
  });
}

function centered({ center }: MarginalDistance, vector: Int16Array): Float64Array {
  return center.map((value, i) => (vector[i] ?? 0) - value);
}

/** Bᵀy */
function project({ basis }: MarginalDistance, y: Float64Array): Float64Array {
  const { length } = y;
  const coordinates = new Float64Array(basis.length / length);
  for (let k = 0; k < coordinates.length; k++) {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += (basis[k * length + i] ?? 0) * (y[i] ?? 0);
    coordinates[k] = sum / unit;
  }
  return coordinates;
}

/** Null where there are too few examples or dimensions for directions, or no variance beyond them. */
export function fitMarginalDistance(
  scatter: Scatter,
  epsilon: number,
  center: Float64Array,
): MarginalDistance | null {
  const { dimensions, width, examples, trace } = scatter;
  const directions = Math.floor(
    Math.min(maximumDirections, examples / examplesForEach, dimensions / dimensionsForEach),
  );
  if (directions < fewestDirections) return null;
  const basis = findBasis(scatter, directions);
  const images = multiply(
    scatter,
    Float64Array.from(basis, (value) => value / unit),
    directions,
  );
  const ridge = ridgeOf(scatter, epsilon);
  const projected = new Float64Array(directions * directions);
  let inside = 0;
  for (let j = 0; j < directions; j++) {
    for (let k = 0; k < directions; k++) {
      let sum = 0;
      for (let i = 0; i < width; i++) {
        sum += ((basis[i * directions + j] ?? 0) / unit) * (images[i * directions + k] ?? 0);
      }
      projected[j * directions + k] = (1 - epsilon) * sum + (j === k ? ridge : 0);
    }
    inside += projected[j * directions + j] ?? 0;
  }
  const variance = (trace - inside) / (dimensions - directions);
  const inverse = invert(projected, directions);
  if (!(variance > 0) || inverse === null) return null;
  return {
    center: center.slice(0, dimensions),
    basis: transpose(basis, dimensions, directions),
    within: inverse.map((value, at) => {
      return examples * ((at % (directions + 1) === 0 ? 1 / variance : 0) - value);
    }),
    scale: examples / variance,
  };
}

/** Columns that span the dominant subspace of S, width × directions, as integers. */
function findBasis(scatter: Scatter, directions: number): Int16Array {
  let columns = drawSigns(scatter, directions);
  for (let round = 0; round < rounds; round++) {
    columns = multiply(scatter, columns, directions);
    orthonormalize(columns, directions);
  }
  return Int16Array.from(columns, (value) => Math.round(value * unit));
}

/** One draw of xorshift32 (Marsaglia, 2003) for each entry; padding stays zero. */
function drawSigns({ width, dimensions }: Scatter, directions: number): Float64Array {
  const columns = new Float64Array(width * directions);
  let state = seed;
  for (let at = 0; at < dimensions * directions; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    columns[at] = state < 0 ? -1 : 1;
  }
  return columns;
}

/** S X, of which S has its upper triangle. */
function multiply({ entries, width, columns }: Scatter, x: Float64Array, count: number): Float64Array {
  const product = new Float64Array(width * count);
  for (let row = 0; row < width; row++) {
    const own = row * count;
    for (let j = row; j < width; j++) {
      const value = entries[row * columns + j] ?? 0;
      const other = j * count;
      for (let k = 0; k < count; k++) {
        product[own + k] = (product[own + k] ?? 0) + value * (x[other + k] ?? 0);
      }
      if (j === row) continue;
      for (let k = 0; k < count; k++) {
        product[other + k] = (product[other + k] ?? 0) + value * (x[own + k] ?? 0);
      }
    }
  }
  return product;
}

/** Gram–Schmidt, each column twice, which is enough (Giraud, Langou, Rozložník, 2005). A linearly dependent column becomes zero. */
function orthonormalize(columns: Float64Array, count: number): void {
  const product = (j: number, k: number) => {
    let sum = 0;
    for (let at = 0; at < columns.length; at += count) sum += (columns[at + j] ?? 0) * (columns[at + k] ?? 0);
    return sum;
  };
  for (let k = 0; k < count; k++) {
    const before = product(k, k);
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < k; j++) {
        const share = product(j, k);
        for (let at = 0; at < columns.length; at += count) {
          columns[at + k] = (columns[at + k] ?? 0) - share * (columns[at + j] ?? 0);
        }
      }
    }
    const after = product(k, k);
    const scale = after > 1e-20 * before ? 1 / Math.sqrt(after) : 0;
    for (let at = 0; at < columns.length; at += count) columns[at + k] = (columns[at + k] ?? 0) * scale;
  }
}

/** Null where, after rounding, the matrix is not positive definite. */
function invert(matrix: Float64Array, size: number): Float64Array | null {
  const rows = Math.ceil(size / 4) * 4;
  const columns = 2 * rows;
  const work = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    work[i * columns + i] = 1;
    work[i * columns + rows + i] = 1;
    if (i < size) for (let j = i; j < size; j++) work[i * columns + j] = matrix[i * size + j] ?? 0;
  }
  if (!eliminate(work, rows, columns)) return null;
  substituteBack(work, rows, columns);
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) inverse[i * size + j] = work[i * columns + rows + j] ?? 0;
  }
  return inverse;
}

/** Transposes a matrix with this many rows. */
function transpose(matrix: Int16Array, rows: number, columns: number): Int16Array {
  const turned = new Int16Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < columns; k++) turned[k * rows + i] = matrix[i * columns + k] ?? 0;
  }
  return turned;
}
