// Performs the same operations on each entry in the same order as ../src/kernel/elimination.ts, on tiles of four rows by four
// columns.

const panelRows: i32 = 32;

/** See `eliminate` in that file. `scratch` has room for 32 × columns float64; `columns` is a multiple of four. */
export function eliminate(matrix: usize, rows: i32, columns: i32, scratch: usize): bool {
  const stride = <usize>columns * 8;
  for (let start = 0; start < rows; start += panelRows) {
    const end = min(start + panelRows, rows);
    if (!factorPanel(matrix, stride, start, end)) return false;
    packPanel(matrix, stride, columns, start, end, scratch);
    const count = end - start;
    const packedBytes = <usize>count * 32;
    for (let row = end; row < rows; row += 4) {
      const a = scratch + (<usize>(row - end) >> 2) * packedBytes;
      let b = a;
      let c = matrix + <usize>row * stride + <usize>row * 8;
      for (let column = row; column < columns; column += 4) {
        subtractTile(c, stride, a, b, count);
        b += packedBytes;
        c += 32;
      }
    }
  }
  return true;
}

function factorPanel(matrix: usize, stride: usize, start: i32, end: i32): bool {
  for (let pivot = start; pivot < end; pivot++) {
    const row = matrix + <usize>pivot * stride;
    const diagonal = load<f64>(row + <usize>pivot * 8);
    if (!(diagonal > 0 && diagonal < Infinity)) return false;
    scaleRow(row + <usize>pivot * 8, row + stride, 1 / Math.sqrt(diagonal));
    for (let other = pivot + 1; other < end; other++) {
      const factor = load<f64>(row + <usize>other * 8);
      subtractRow(
        matrix + <usize>other * stride + <usize>other * 8,
        row + <usize>other * 8,
        row + stride,
        factor,
      );
    }
  }
  return true;
}

function scaleRow(from: usize, end: usize, scale: f64): void {
  for (; from < end; from += 8) store<f64>(from, load<f64>(from) * scale);
}

/** to −= factor · from */
function subtractRow(to: usize, from: usize, end: usize, factor: f64): void {
  const splat = f64x2.splat(factor);
  for (; from + 8 < end; from += 16) {
    v128.store(to, f64x2.sub(v128.load(to), f64x2.mul(splat, v128.load(from))));
    to += 16;
  }
  if (from < end) store<f64>(to, load<f64>(to) - factor * load<f64>(from));
}

/** Packs the columns right of the panel in groups of four: four entries for each row of the panel. */
function packPanel(matrix: usize, stride: usize, columns: i32, start: i32, end: i32, packed: usize): void {
  for (let column = end; column < columns; column += 4) {
    let from = matrix + <usize>start * stride + <usize>column * 8;
    for (let pivot = start; pivot < end; pivot++) {
      v128.store(packed, v128.load(from));
      v128.store(packed, v128.load(from, 16), 16);
      packed += 32;
      from += stride;
    }
  }
}

/** Updates a tile c of four rows and four columns: c_ij −= a_ki · b_kj for k = 0, 1, …; a and b hold four entries for each k. */
export function subtractTile(c: usize, stride: usize, a: usize, b: usize, count: i32): void {
  const c1 = c + stride;
  const c2 = c1 + stride;
  const c3 = c2 + stride;
  let s00 = v128.load(c);
  let s01 = v128.load(c, 16);
  let s10 = v128.load(c1);
  let s11 = v128.load(c1, 16);
  let s20 = v128.load(c2);
  let s21 = v128.load(c2, 16);
  let s30 = v128.load(c3);
  let s31 = v128.load(c3, 16);
  for (const end = a + <usize>count * 32; a < end; a += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load64_splat(a);
    s00 = f64x2.sub(s00, f64x2.mul(a0, b0));
    s01 = f64x2.sub(s01, f64x2.mul(a0, b1));
    const a1 = v128.load64_splat(a, 8);
    s10 = f64x2.sub(s10, f64x2.mul(a1, b0));
    s11 = f64x2.sub(s11, f64x2.mul(a1, b1));
    const a2 = v128.load64_splat(a, 16);
    s20 = f64x2.sub(s20, f64x2.mul(a2, b0));
    s21 = f64x2.sub(s21, f64x2.mul(a2, b1));
    const a3 = v128.load64_splat(a, 24);
    s30 = f64x2.sub(s30, f64x2.mul(a3, b0));
    s31 = f64x2.sub(s31, f64x2.mul(a3, b1));
    b += 32;
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}

/** See `substituteBack` in that file; `scratch` is the same as there. `rows`, `columns` and `last` are multiples of four. */
export function substituteBack(matrix: usize, rows: i32, columns: i32, last: i32, scratch: usize): void {
  const stride = <usize>columns * 8;
  for (let end = rows; end > 0; ) {
    const start = max(end - panelRows, 0);
    solvePanel(matrix, stride, rows, last, start, end);
    packSolutions(matrix, stride, rows, last, start, end, scratch);
    const count = end - start;
    const factors = scratch + <usize>(last - rows) * <usize>count * 8;
    for (let row = 0; row < start; row += 4) {
      packFactors(matrix + <usize>row * stride, stride, start, end, factors);
      let b = scratch;
      let c = matrix + <usize>row * stride + <usize>rows * 8;
      for (let column = rows; column < last; column += 4) {
        subtractTile(c, stride, factors, b, count);
        b += <usize>count * 32;
        c += 32;
      }
    }
    end = start;
  }
}

function solvePanel(matrix: usize, stride: usize, rows: i32, last: i32, start: i32, end: i32): void {
  for (let row = end - 1; row >= start; row--) {
    const at = matrix + <usize>row * stride;
    const right = at + <usize>rows * 8;
    for (let below = end - 1; below > row; below--) {
      const from = matrix + <usize>below * stride;
      subtractRow(right, from + <usize>rows * 8, from + <usize>last * 8, load<f64>(at + <usize>below * 8));
    }
    const pivot = load<f64>(at + <usize>row * 8);
    for (let to = right; to < at + <usize>last * 8; to += 8) store<f64>(to, load<f64>(to) / pivot);
  }
}

/** Same layout as `packPanel`, starting with the last row. */
function packSolutions(
  matrix: usize,
  stride: usize,
  rows: i32,
  last: i32,
  start: i32,
  end: i32,
  packed: usize,
): void {
  for (let column = rows; column < last; column += 4) {
    for (let row = end - 1; row >= start; row--) {
      const from = matrix + <usize>row * stride + <usize>column * 8;
      v128.store(packed, v128.load(from));
      v128.store(packed, v128.load(from, 16), 16);
      packed += 32;
    }
  }
}

/** Packs the entries of four rows in the panel's columns, starting with the last column. */
function packFactors(rows: usize, stride: usize, start: i32, end: i32, packed: usize): void {
  for (let column = end - 1; column >= start; column--) {
    const from = rows + <usize>column * 8;
    for (let row: usize = 0; row < 4; row++) store<f64>(packed + row * 8, load<f64>(from + row * stride));
    packed += 32;
  }
}
