// Performs the same operations on each number in the same order as ../src/kernel/reference-triangle.ts, four vectors at a time.

/** See `solveTransposed` in that file. `count` is a multiple of four; rows of the factor are `columns` apart. */
export function solveTransposed(factor: usize, width: i32, columns: i32, vectors: usize, count: i32): void {
  const length = <usize>width * 8;
  const stride = <usize>columns * 8;
  const end = vectors + <usize>count * length;
  for (let at: usize = 0; at < length; at += 8) {
    for (let v = vectors; v < end; v += 4 * length) subtractRow(factor, v, length, at);
    factor += stride;
  }
}

/**
 * Divides one entry of each of four vectors by the pivot and subtracts the multiples of the factor's row from the entries after
 * it.
 */
function subtractRow(row: usize, v0: usize, length: usize, at: usize): void {
  const v1 = v0 + length;
  const v2 = v1 + length;
  const v3 = v2 + length;
  const pivot = load<f64>(row + at);
  const x0 = load<f64>(v0 + at) / pivot;
  const x1 = load<f64>(v1 + at) / pivot;
  const x2 = load<f64>(v2 + at) / pivot;
  const x3 = load<f64>(v3 + at) / pivot;
  store<f64>(v0 + at, x0);
  store<f64>(v1 + at, x1);
  store<f64>(v2 + at, x2);
  store<f64>(v3 + at, x3);
  let j = at + 8;
  if ((j & 8) !== 0) {
    const entry = load<f64>(row + j);
    store<f64>(v0 + j, load<f64>(v0 + j) - x0 * entry);
    store<f64>(v1 + j, load<f64>(v1 + j) - x1 * entry);
    store<f64>(v2 + j, load<f64>(v2 + j) - x2 * entry);
    store<f64>(v3 + j, load<f64>(v3 + j) - x3 * entry);
    j += 8;
  }
  const s0 = f64x2.splat(x0);
  const s1 = f64x2.splat(x1);
  const s2 = f64x2.splat(x2);
  const s3 = f64x2.splat(x3);
  for (; j < length; j += 16) {
    const entries = v128.load(row + j);
    v128.store(v0 + j, f64x2.sub(v128.load(v0 + j), f64x2.mul(s0, entries)));
    v128.store(v1 + j, f64x2.sub(v128.load(v1 + j), f64x2.mul(s1, entries)));
    v128.store(v2 + j, f64x2.sub(v128.load(v2 + j), f64x2.mul(s2, entries)));
    v128.store(v3 + j, f64x2.sub(v128.load(v3 + j), f64x2.mul(s3, entries)));
  }
}

/** See `solveUpper` in that file. The parameters are the same as above. */
export function solveUpper(factor: usize, width: i32, columns: i32, vectors: usize, count: i32): void {
  const length = <usize>width * 8;
  const stride = <usize>columns * 8;
  const end = vectors + <usize>count * length;
  for (let row = width - 1; row >= 0; row--) {
    const from = factor + <usize>row * stride;
    for (let v = vectors; v < end; v += 4 * length) takeRow(from, v, length, <usize>row * 8);
  }
}

/** Solves for one entry of each of four vectors from the entries after it. */
function takeRow(row: usize, v0: usize, length: usize, at: usize): void {
  const v1 = v0 + length;
  const v2 = v1 + length;
  const v3 = v2 + length;
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  let j = at + 8;
  for (; j + 8 < length; j += 16) {
    const entries = v128.load(row + j);
    s0 = f64x2.add(s0, f64x2.mul(entries, v128.load(v0 + j)));
    s1 = f64x2.add(s1, f64x2.mul(entries, v128.load(v1 + j)));
    s2 = f64x2.add(s2, f64x2.mul(entries, v128.load(v2 + j)));
    s3 = f64x2.add(s3, f64x2.mul(entries, v128.load(v3 + j)));
  }
  const pivot = load<f64>(row + at);
  const isOdd = j < length;
  const entry = isOdd ? load<f64>(row + j) : 0;
  finish(v0, s0, pivot, entry, at, isOdd ? j : at);
  finish(v1, s1, pivot, entry, at, isOdd ? j : at);
  finish(v2, s2, pivot, entry, at, isOdd ? j : at);
  finish(v3, s3, pivot, entry, at, isOdd ? j : at);
}

/** Adds the product of the last entry, where the number of entries is odd. */
function finish(v: usize, sums: v128, pivot: f64, entry: f64, at: usize, last: usize): void {
  let even = f64x2.extract_lane(sums, 0);
  if (last !== at) even += entry * load<f64>(v + last);
  store<f64>(v + at, (load<f64>(v + at) - (even + f64x2.extract_lane(sums, 1))) / pivot);
}
