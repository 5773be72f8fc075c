/** Sums that run in index order, each product and each sum rounded once: the same bits on every engine. */

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
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
