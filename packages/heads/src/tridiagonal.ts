/**
 * To try many ε, the scatter is brought into tridiagonal form once: S = Q T Qᵀ. As Q leaves the identity as it is,
 * (1 − ε) S + ρ I becomes (1 − ε) T + ρ I for every ε, and solving with that takes D steps instead of D².
 * (Householder's method: Golub, Van Loan, Matrix Computations, section 8.3.1.)
 */

/** A symmetric tridiagonal matrix, and the reflections that led to it. */
export interface Tridiagonal {
  readonly size: number;
  readonly diagonal: Float64Array;
  /** Entry i couples i and i + 1; the last one is zero. */
  readonly coupling: Float64Array;
  /** size × size: right of the diagonal of row k, the vector v_k of the k-th reflection I − β_k v_k v_kᵀ. */
  readonly reflectors: Float64Array;
  readonly betas: Float64Array;
}

/** Works in place on the upper triangle of size × size entries, row by row, which become the reflectors. */
export function tridiagonalize(entries: Float64Array, size: number): Tridiagonal {
  const diagonal = new Float64Array(size);
  const coupling = new Float64Array(size);
  const betas = new Float64Array(size);
  const product = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const row = k * size;
    diagonal[k] = entries[row + k] ?? 0;
    if (k + 1 === size) break;
    const beta = reflect(entries, row + k + 1, row + size, coupling, k);
    betas[k] = beta;
    if (beta === 0) continue;
    multiply(entries, size, k, product);
    combine(entries, size, k, beta, product);
    update(entries, size, k, product);
  }
  return { size, diagonal, coupling, reflectors: entries, betas };
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
  if (tail === 0) {
    coupling[k] = first;
    return 0;
  }
  const norm = Math.sqrt(first * first + tail);
  coupling[k] = first > 0 ? -norm : norm;
  entries[start] = first > 0 ? first + norm : first - norm;
  return 1 / (norm * (norm + Math.abs(first)));
}

/** product = A v, where A is what lies right of and below k, and v is in row k. Dot products run in four lanes, by column modulo 4. */
function multiply(entries: Float64Array, size: number, k: number, product: Float64Array): void {
  const v = k * size;
  product.fill(0, k + 1);
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
    product[i] = (product[i] ?? 0) + sum + multiplyAligned(entries, row, v, aligned, size, vi, product);
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

/** A −= v wᵀ + w vᵀ */
function update(entries: Float64Array, size: number, k: number, w: Float64Array): void {
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

/** Turns each vector x into Qᵀ x, in place; four at a time share a reading of the reflectors. */
export function rotate(form: Tridiagonal, vectors: readonly Float64Array[]): void {
  const { size } = form;
  const lanes = new Float64Array(size * 4);
  for (let first = 0; first < vectors.length; first += 4) {
    for (let lane = 0; lane < 4; lane++) {
      const vector = vectors[first + lane];
      for (let i = 0; i < size; i++) lanes[i * 4 + lane] = vector?.[i] ?? 0;
    }
    rotateLanes(form, lanes);
    for (let lane = 0; lane < 4; lane++) {
      const vector = vectors[first + lane];
      if (vector) for (let i = 0; i < size; i++) vector[i] = lanes[i * 4 + lane] ?? 0;
    }
  }
}

function rotateLanes({ size, reflectors, betas }: Tridiagonal, lanes: Float64Array): void {
  for (let k = 0; k + 1 < size; k++) {
    const beta = betas[k] ?? 0;
    if (beta !== 0) reflectLanes(reflectors, k * size, k + 1, size, beta, lanes);
  }
}

/** x −= β (vᵀ x) v in each of four lanes. */
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
