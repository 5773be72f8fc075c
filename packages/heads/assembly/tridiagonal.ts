// Performs the same operations on each entry in the same order as ../src/kernel/reference-tridiagonal.ts.

/** Stands for null. */
const nowhere: usize = <usize>-1;

/** See `advance` in that file. Entries left of the diagonal may change. */
export function advance(entries: usize, size: i32, k: i32, w: usize, product: usize): void {
  const stride = <usize>size * 8;
  const v = entries + <usize>k * stride;
  for (let i = k + 2; i < size; i++) {
    const row = entries + <usize>i * stride;
    if (w !== nowhere) updateRow(row, stride, v, i, w);
    if (product !== nowhere) multiplyRow(row, stride, v + stride, i, size, product);
  }
}

function updateRow(row: usize, stride: usize, v: usize, i: i32, w: usize): void {
  const vi = f64x2.splat(load<f64>(v + <usize>i * 8));
  const wi = f64x2.splat(load<f64>(w + <usize>i * 8));
  for (let j = <usize>(i & ~1) * 8; j < stride; j += 16) {
    const first = f64x2.sub(v128.load(row + j), f64x2.mul(vi, v128.load(w + j)));
    v128.store(row + j, f64x2.sub(first, f64x2.mul(wi, v128.load(v + j))));
  }
}

function multiplyRow(row: usize, stride: usize, v: usize, i: i32, size: i32, product: usize): void {
  const vi = load<f64>(v + <usize>i * 8);
  const aligned = min((i + 4) & ~3, size);
  let sum = load<f64>(row + <usize>i * 8) * vi;
  for (let j = <usize>(i + 1) * 8; j < <usize>aligned * 8; j += 8) {
    const a = load<f64>(row + j);
    sum += a * load<f64>(v + j);
    store<f64>(product + j, load<f64>(product + j) + a * vi);
  }
  sum += multiplyAligned(row, v, <usize>aligned * 8, stride, vi, product);
  const at = product + <usize>i * 8;
  store<f64>(at, load<f64>(at) + sum);
}

function multiplyAligned(row: usize, v: usize, start: usize, end: usize, vi: f64, product: usize): f64 {
  const splat = f64x2.splat(vi);
  let sum01 = f64x2.splat(0);
  let sum23 = f64x2.splat(0);
  for (let j = start; j < end; j += 32) {
    const a01 = v128.load(row + j);
    const a23 = v128.load(row + j, 16);
    sum01 = f64x2.add(sum01, f64x2.mul(a01, v128.load(v + j)));
    sum23 = f64x2.add(sum23, f64x2.mul(a23, v128.load(v + j, 16)));
    v128.store(product + j, f64x2.add(v128.load(product + j), f64x2.mul(a01, splat)));
    v128.store(product + j, f64x2.add(v128.load(product + j, 16), f64x2.mul(a23, splat)), 16);
  }
  const sums = f64x2.add(sum01, sum23);
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
}

/** x −= β (vᵀ x) v in each of eight lanes, for each reflection in turn. See `rotateLanes` in that file. */
export function rotateLanes(reflectors: usize, betas: usize, size: i32, lanes: usize): void {
  const end = reflectors + <usize>size * 8;
  for (let k = 0; k + 1 < size; k++) {
    const beta = load<f64>(betas + <usize>k * 8);
    if (beta === 0) continue;
    const offset = <usize>k * <usize>size * 8;
    reflectLanes(reflectors + offset + <usize>(k + 1) * 8, end + offset, beta, lanes + <usize>(k + 1) * 64);
  }
}

function reflectLanes(v: usize, end: usize, beta: f64, lanes: usize): void {
  let dot01 = f64x2.splat(0);
  let dot23 = f64x2.splat(0);
  let dot45 = f64x2.splat(0);
  let dot67 = f64x2.splat(0);
  let x = lanes;
  for (let from = v; from < end; from += 8) {
    const vi = v128.load64_splat(from);
    dot01 = f64x2.add(dot01, f64x2.mul(vi, v128.load(x)));
    dot23 = f64x2.add(dot23, f64x2.mul(vi, v128.load(x, 16)));
    dot45 = f64x2.add(dot45, f64x2.mul(vi, v128.load(x, 32)));
    dot67 = f64x2.add(dot67, f64x2.mul(vi, v128.load(x, 48)));
    x += 64;
  }
  const splat = f64x2.splat(beta);
  dot01 = f64x2.mul(dot01, splat);
  dot23 = f64x2.mul(dot23, splat);
  dot45 = f64x2.mul(dot45, splat);
  dot67 = f64x2.mul(dot67, splat);
  x = lanes;
  for (let from = v; from < end; from += 8) {
    const vi = v128.load64_splat(from);
    v128.store(x, f64x2.sub(v128.load(x), f64x2.mul(dot01, vi)));
    v128.store(x, f64x2.sub(v128.load(x, 16), f64x2.mul(dot23, vi)), 16);
    v128.store(x, f64x2.sub(v128.load(x, 32), f64x2.mul(dot45, vi)), 32);
    v128.store(x, f64x2.sub(v128.load(x, 48), f64x2.mul(dot67, vi)), 48);
    x += 64;
  }
}
