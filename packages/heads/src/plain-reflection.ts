/**
 * The loops of the tridiagonal form in plain TypeScript. Matrices are size × size float64, row by row, of which the upper triangle counts;
 * `size` is a multiple of four.
 */

/** product = A v, where A is what lies right of and below k, and v is in row k. Dot products run in four lanes, by column modulo 4. `product` is zero at first. */
export function multiply(entries: Float64Array, size: number, k: number, product: Float64Array): void {
  const v = k * size;
  for (let i = k + 1; i < size; i++) {
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

/** A −= v wᵀ + w vᵀ, with v in row k, right of and below k. */
export function update(entries: Float64Array, size: number, k: number, w: Float64Array): void {
  const v = k * size;
  for (let i = k + 1; i < size; i++) {
    const row = i * size;
    const vi = entries[v + i] ?? 0;
    const wi = w[i] ?? 0;
    for (let j = i; j < size; j++) {
      entries[row + j] = (entries[row + j] ?? 0) - vi * (w[j] ?? 0) - wi * (entries[v + j] ?? 0);
    }
  }
}

/** Each reflection in turn, in each of four lanes: x −= β (vᵀ x) v. Lanes lie interleaved, four values for each dimension. */
export function rotateLanes(
  reflectors: Float64Array,
  betas: Float64Array,
  size: number,
  lanes: Float64Array,
): void {
  for (let k = 0; k + 1 < size; k++) {
    const beta = betas[k] ?? 0;
    if (beta !== 0) reflectLanes(reflectors, k * size, k + 1, size, beta, lanes);
  }
}

function reflectLanes(
  reflectors: Float64Array,
  v: number,
  start: number,
  end: number,
  beta: number,
  lanes: Float64Array,
): void {
  let dot0 = 0;
  let dot1 = 0;
  let dot2 = 0;
  let dot3 = 0;
  for (let i = start; i < end; i++) {
    const vi = reflectors[v + i] ?? 0;
    dot0 += vi * (lanes[i * 4] ?? 0);
    dot1 += vi * (lanes[i * 4 + 1] ?? 0);
    dot2 += vi * (lanes[i * 4 + 2] ?? 0);
    dot3 += vi * (lanes[i * 4 + 3] ?? 0);
  }
  dot0 *= beta;
  dot1 *= beta;
  dot2 *= beta;
  dot3 *= beta;
  for (let i = start; i < end; i++) {
    const vi = reflectors[v + i] ?? 0;
    lanes[i * 4] = (lanes[i * 4] ?? 0) - dot0 * vi;
    lanes[i * 4 + 1] = (lanes[i * 4 + 1] ?? 0) - dot1 * vi;
    lanes[i * 4 + 2] = (lanes[i * 4 + 2] ?? 0) - dot2 * vi;
    lanes[i * 4 + 3] = (lanes[i * 4 + 3] ?? 0) - dot3 * vi;
  }
}
