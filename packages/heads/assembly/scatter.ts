// Performs the same operations on each entry in the same order as ../src/kernel/reference-scatter.ts.

import { subtractTile } from './elimination';

/** See `subtractProducts` in that file. `width` and `columns` are multiples of four. */
export function subtractProducts(
  matrix: usize,
  width: i32,
  columns: i32,
  left: usize,
  right: usize,
  count: i32,
): void {
  const stride = <usize>columns * 8;
  const packedBytes = <usize>count * 32;
  for (let row = 0; row < width; row += 4) {
    const offset = <usize>(row >> 2) * packedBytes;
    let b = right + offset;
    let c = matrix + <usize>row * stride + <usize>row * 8;
    for (let column = row; column < width; column += 4) {
      subtractTile(c, stride, left + offset, b, count);
      b += packedBytes;
      c += 32;
    }
  }
}

/** See `sumSquares` in that file. */
export function sumSquares(matrix: usize, size: i32, columns: i32): f64 {
  let squares: f64 = 0;
  let at = matrix;
  for (let row = 0; row < size; row++) {
    const diagonal = load<f64>(at);
    squares += diagonal * diagonal;
    const end = at + <usize>(size - row) * 8;
    for (let from = at + 8; from < end; from += 8) {
      const entry = load<f64>(from);
      squares += 2 * entry * entry;
    }
    at += <usize>(columns + 1) * 8;
  }
  return squares;
}

/** See `shrinkInPlace` in that file. Entries left of the diagonal may change. */
export function shrinkInPlace(matrix: usize, width: i32, columns: i32, scale: f64, ridge: f64): void {
  const splat = f64x2.splat(scale);
  for (let row = 0; row < width; row++) {
    const start = matrix + <usize>row * <usize>columns * 8;
    const end = start + <usize>width * 8;
    for (let at = start + <usize>(row & ~1) * 8; at < end; at += 16) {
      v128.store(at, f64x2.mul(splat, v128.load(at)));
    }
    const diagonal = start + <usize>row * 8;
    store<f64>(diagonal, load<f64>(diagonal) + ridge);
  }
}
