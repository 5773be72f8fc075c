/**
 * The loops of the tridiagonal form in TypeScript. Matrices are size × size float64, row by row, of which the upper triangle is
 * read; `size` is a multiple of four.
 */

/**
 * The rows below k + 1: A −= v wᵀ + w vᵀ with v in row k (skipped for a null w), then product = A v with v in row k + 1
 * (skipped for a null product; zero at first), both for one row while it is in the cache. Dot products use four lanes, by
 * column modulo 4.
 */
export function advance(
  entries: Float64Array,
  size: number,
  k: number,
  w: Float64Array | null,
  product: Float64Array | null,
): void {
  for (let i = k + 2; i < size; i++) {
    if (w !== null) updateRow(entries, size, k, i, w);
    if (product !== null) multiplyRow(entries, size, k + 1, i, product);
  }
}

/** Row i of A −= v wᵀ + w vᵀ, with v in row k. */
export function updateRow(entries: Float64Array, size: number, k: number, i: number, w: Float64Array): void {
  const v = k * size;
  const row = i * size;
  const vi = entries[v + i] ?? 0;
  const wi = w[i] ?? 0;
  for (let j = i; j < size; j++) {
    entries[row + j] = (entries[row + j] ?? 0) - vi * (w[j] ?? 0) - wi * (entries[v + j] ?? 0);
  }
}

/** Adds the terms of row i and of its mirror image to the product with v in row k. */
function multiplyRow(entries: Float64Array, size: number, k: number, i: number, product: Float64Array): void {
  const v = k * size;
  const row = i * size;
  const vi = entries[v + i] ?? 0;
  const aligned = Math.min((i + 4) & ~3, size);
  let sum = (entries[row + i] ?? 0) * vi;
  for (let j = i + 1; j < aligned; j++) {
    const a = entries[row + j] ?? 0;
    sum += a * (entries[v + j] ?? 0);
    product[j] = (product[j] ?? 0) + a * vi;
  }
  sum += multiplyAligned(entries, row, v, aligned, size, vi, product);
  product[i] = (product[i] ?? 0) + sum;
}

function multiplyAligned(
  entries: Float64Array,
  row: number,
  v: number,
  start: number,
  end: number,
  vi: number,
  product: Float64Array,
): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let j = start; j < end; j += 4) {
    const a0 = entries[row + j] ?? 0;
    const a1 = entries[row + j + 1] ?? 0;
    const a2 = entries[row + j + 2] ?? 0;
    const a3 = entries[row + j + 3] ?? 0;
    sum0 += a0 * (entries[v + j] ?? 0);
    sum1 += a1 * (entries[v + j + 1] ?? 0);
    sum2 += a2 * (entries[v + j + 2] ?? 0);
    sum3 += a3 * (entries[v + j + 3] ?? 0);
    product[j] = (product[j] ?? 0) + a0 * vi;
    product[j + 1] = (product[j + 1] ?? 0) + a1 * vi;
    product[j + 2] = (product[j + 2] ?? 0) + a2 * vi;
    product[j + 3] = (product[j + 3] ?? 0) + a3 * vi;
  }
  return sum0 + sum2 + (sum1 + sum3);
}

/** Lanes are interleaved, eight values for each dimension. */
export const laneCount = 8;

/** Applies each reflection in turn, in each lane: x −= β (vᵀ x) v. */
export function rotateLanes(
  reflectors: Float64Array,
  betas: Float64Array,
  size: number,
  lanes: Float64Array,
): void {
  const dots = new Float64Array(laneCount);
  for (let k = 0; k + 1 < size; k++) {
    const beta = betas[k] ?? 0;
    if (beta !== 0) reflectLanes(reflectors.subarray(k * size, (k + 1) * size), k + 1, beta, lanes, dots);
  }
}

function reflectLanes(
  v: Float64Array,
  start: number,
  beta: number,
  lanes: Float64Array,
  dots: Float64Array,
): void {
  dots.fill(0);
  for (let i = start; i < v.length; i++) {
    const vi = v[i] ?? 0;
    for (let lane = 0; lane < laneCount; lane++) {
      dots[lane] = (dots[lane] ?? 0) + vi * (lanes[i * laneCount + lane] ?? 0);
    }
  }
  for (let lane = 0; lane < laneCount; lane++) dots[lane] = (dots[lane] ?? 0) * beta;
  for (let i = start; i < v.length; i++) {
    const vi = v[i] ?? 0;
    for (let lane = 0; lane < laneCount; lane++) {
      const at = i * laneCount + lane;
      lanes[at] = (lanes[at] ?? 0) - (dots[lane] ?? 0) * vi;
    }
  }
}
