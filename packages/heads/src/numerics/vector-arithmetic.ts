/**
 * Sums over dimensions, each product and each sum rounded once, in a fixed order: the same bits on every engine. They use four
 * lanes, by index modulo 4, since a single sum would stall on its own latency; the lanes are added last.
 */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  const end = a.length & ~3;
  for (let i = 0; i < end; i += 4) {
    sum0 += (a[i] ?? 0) * (b[i] ?? 0);
    sum1 += (a[i + 1] ?? 0) * (b[i + 1] ?? 0);
    sum2 += (a[i + 2] ?? 0) * (b[i + 2] ?? 0);
    sum3 += (a[i + 3] ?? 0) * (b[i + 3] ?? 0);
  }
  for (let i = end; i < a.length; i++) sum0 += (a[i] ?? 0) * (b[i] ?? 0);
  return sum0 + sum2 + (sum1 + sum3);
}

/** |a − b|² */
export function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  const end = a.length & ~3;
  for (let i = 0; i < end; i += 4) {
    const d0 = (a[i] ?? 0) - (b[i] ?? 0);
    const d1 = (a[i + 1] ?? 0) - (b[i + 1] ?? 0);
    const d2 = (a[i + 2] ?? 0) - (b[i + 2] ?? 0);
    const d3 = (a[i + 3] ?? 0) - (b[i + 3] ?? 0);
    sum0 += d0 * d0;
    sum1 += d1 * d1;
    sum2 += d2 * d2;
    sum3 += d3 * d3;
  }
  for (let i = end; i < a.length; i++) sum0 += ((a[i] ?? 0) - (b[i] ?? 0)) * ((a[i] ?? 0) - (b[i] ?? 0));
  return sum0 + sum2 + (sum1 + sum3);
}

/** a − factor · b */
export function subtract(a: Float64Array, b: Float64Array, factor: number): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = (a[i] ?? 0) - factor * (b[i] ?? 0);
  return result;
}

/** to += factor · from */
export function addScaled(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] ?? 0) + factor * (from[i] ?? 0);
}

/** aᵀ M b for a square matrix M. */
export function bilinear(matrix: Float64Array, a: ArrayLike<number>, b: ArrayLike<number>): number {
  const size = a.length;
  let form = 0;
  for (let k = 0; k < size; k++) {
    let row = 0;
    for (let j = 0; j < size; j++) row += (matrix[k * size + j] ?? 0) * (b[j] ?? 0);
    form += row * (a[k] ?? 0);
  }
  return form;
}
