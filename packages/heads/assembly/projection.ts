// out = signs · vector, in int32. See ../src/training-set/random-feature-expansion.ts.

/** `signs` holds rows × columns int16; `columns` is a multiple of eight. */
export function project(signs: usize, vector: usize, out: usize, rows: i32, columns: i32): void {
  const bytes = <usize>columns * 2;
  for (let row = 0; row < rows; row++) {
    let sum = i32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) {
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load(signs + at), v128.load(vector + at)));
    }
    const total =
      i32x4.extract_lane(sum, 0) +
      i32x4.extract_lane(sum, 1) +
      i32x4.extract_lane(sum, 2) +
      i32x4.extract_lane(sum, 3);
    store<i32>(out, total);
    signs += bytes;
    out += 4;
  }
}
