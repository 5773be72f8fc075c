// Performs the same operations on each number in the same order as ../src/kernel/reference-regression.ts.

/**
 * See `score` in that file. `count` and `width` are multiples of four, `rows` of two; `wide` has room for count × width
 * float64.
 */
export function scoreExamples(
  vectors: usize,
  wide: usize,
  count: i32,
  width: i32,
  weights: usize,
  rows: i32,
  scores: usize,
): void {
  passOver(vectors, wide, count, width, weights, rows, scores, false);
}

/** See `gather` in that file. The parameters are the same as above. */
export function gatherExamples(
  vectors: usize,
  wide: usize,
  count: i32,
  width: i32,
  residuals: usize,
  rows: i32,
  gradient: usize,
): void {
  passOver(vectors, wide, count, width, gradient, rows, residuals, true);
}

/** Processes tile by tile: from the rows of the matrix to scores, or from residuals to the rows. */
function passOver(
  vectors: usize,
  wide: usize,
  count: i32,
  width: i32,
  matrix: usize,
  rows: i32,
  scores: usize,
  gathers: bool,
): void {
  widen(vectors, wide, count * width);
  const stride = <usize>width * 8;
  const scoresStride = <usize>rows * 8;
  for (let row = 0; row < rows; row += 2) {
    const m = matrix + <usize>row * stride;
    for (let example = 0; example < count; example += 4) {
      const x = wide + <usize>example * stride;
      const s = scores + (<usize>example * <usize>rows + <usize>row) * 8;
      if (gathers) gatherTile(x, m, stride, s, scoresStride);
      else scoreTile(x, m, stride, s, scoresStride);
    }
  }
}

/** int16 → float64 */
function widen(from: usize, to: usize, length: i32): void {
  for (const end = from + <usize>length * 2; from < end; from += 8) {
    const four = i32x4.extend_low_i16x8_s(v128.load64_zero(from));
    v128.store(to, f64x2.convert_low_i32x4_s(four));
    v128.store(to, f64x2.convert_low_i32x4_s(i32x4.shuffle(four, four, 2, 3, 2, 3)), 16);
    to += 32;
  }
}

function addLanes(sums: v128): f64 {
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}

/** Four examples by two rows. */
function scoreTile(x: usize, w: usize, stride: usize, out: usize, outStride: usize): void {
  let s00 = f64x2.splat(0);
  let s01 = f64x2.splat(0);
  let s10 = f64x2.splat(0);
  let s11 = f64x2.splat(0);
  let s20 = f64x2.splat(0);
  let s21 = f64x2.splat(0);
  let s30 = f64x2.splat(0);
  let s31 = f64x2.splat(0);
  const x1 = x + stride;
  const x2 = x1 + stride;
  const x3 = x2 + stride;
  const w1 = w + stride;
  for (let j: usize = 0; j < stride; j += 16) {
    const a = v128.load(w + j);
    const b = v128.load(w1 + j);
    const v0 = v128.load(x + j);
    s00 = f64x2.add(s00, f64x2.mul(a, v0));
    s01 = f64x2.add(s01, f64x2.mul(b, v0));
    const v1 = v128.load(x1 + j);
    s10 = f64x2.add(s10, f64x2.mul(a, v1));
    s11 = f64x2.add(s11, f64x2.mul(b, v1));
    const v2 = v128.load(x2 + j);
    s20 = f64x2.add(s20, f64x2.mul(a, v2));
    s21 = f64x2.add(s21, f64x2.mul(b, v2));
    const v3 = v128.load(x3 + j);
    s30 = f64x2.add(s30, f64x2.mul(a, v3));
    s31 = f64x2.add(s31, f64x2.mul(b, v3));
  }
  store<f64>(out, addLanes(s00));
  store<f64>(out, addLanes(s01), 8);
  out += outStride;
  store<f64>(out, addLanes(s10));
  store<f64>(out, addLanes(s11), 8);
  out += outStride;
  store<f64>(out, addLanes(s20));
  store<f64>(out, addLanes(s21), 8);
  out += outStride;
  store<f64>(out, addLanes(s30));
  store<f64>(out, addLanes(s31), 8);
}

function gatherTile(x: usize, g: usize, stride: usize, r: usize, rStride: usize): void {
  const r1 = r + rStride;
  const r2 = r1 + rStride;
  const r3 = r2 + rStride;
  const r00 = v128.load64_splat(r);
  const r01 = v128.load64_splat(r, 8);
  const r10 = v128.load64_splat(r1);
  const r11 = v128.load64_splat(r1, 8);
  const r20 = v128.load64_splat(r2);
  const r21 = v128.load64_splat(r2, 8);
  const r30 = v128.load64_splat(r3);
  const r31 = v128.load64_splat(r3, 8);
  const x1 = x + stride;
  const x2 = x1 + stride;
  const x3 = x2 + stride;
  const g1 = g + stride;
  for (let j: usize = 0; j < stride; j += 16) {
    const v0 = v128.load(x + j);
    let a = f64x2.add(v128.load(g + j), f64x2.mul(r00, v0));
    let b = f64x2.add(v128.load(g1 + j), f64x2.mul(r01, v0));
    const v1 = v128.load(x1 + j);
    a = f64x2.add(a, f64x2.mul(r10, v1));
    b = f64x2.add(b, f64x2.mul(r11, v1));
    const v2 = v128.load(x2 + j);
    a = f64x2.add(a, f64x2.mul(r20, v2));
    b = f64x2.add(b, f64x2.mul(r21, v2));
    const v3 = v128.load(x3 + j);
    v128.store(g + j, f64x2.add(a, f64x2.mul(r30, v3)));
    v128.store(g1 + j, f64x2.add(b, f64x2.mul(r31, v3)));
  }
}
