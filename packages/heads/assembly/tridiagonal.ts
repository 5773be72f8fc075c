// The same operations on each entry, in the same order, as ../src/tridiagonal.ts.

/** product = A v; see `multiply` there. `product` is zero at first. */
export function multiply(entries: usize, size: i32, k: i32, product: usize): void {
  const stride = <usize>size * 8;
  const v = entries + <usize>k * stride;
  for (let i = k + 1; i < size; i++) {
    const row = entries + <usize>i * stride;
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

/** A −= v wᵀ + w vᵀ; see `update` there. Entries left of the diagonal may change. */
export function update(entries: usize, size: i32, k: i32, w: usize): void {
  const stride = <usize>size * 8;
  const v = entries + <usize>k * stride;
  for (let i = k + 1; i < size; i++) {
    const row = entries + <usize>i * stride;
    const vi = f64x2.splat(load<f64>(v + <usize>i * 8));
    const wi = f64x2.splat(load<f64>(w + <usize>i * 8));
    for (let j = <usize>(i & ~1) * 8; j < stride; j += 16) {
      const first = f64x2.sub(v128.load(row + j), f64x2.mul(vi, v128.load(w + j)));
      v128.store(row + j, f64x2.sub(first, f64x2.mul(wi, v128.load(v + j))));
    }
  }
}

/** x −= β (vᵀ x) v in each of four lanes, for each reflection in turn; see `rotateLanes` there. */
export function rotateLanes(reflectors: usize, betas: usize, size: i32, lanes: usize): void {
  const end = reflectors + <usize>size * 8;
  for (let k = 0; k + 1 < size; k++) {
    const beta = load<f64>(betas + <usize>k * 8);
    if (beta === 0) continue;
    const offset = <usize>k * <usize>size * 8;
    reflectLanes(reflectors + offset + <usize>(k + 1) * 8, end + offset, beta, lanes + <usize>(k + 1) * 32);
  }
}

function reflectLanes(v: usize, end: usize, beta: f64, lanes: usize): void {
  let dot01 = f64x2.splat(0);
  let dot23 = f64x2.splat(0);
  let x = lanes;
  for (let from = v; from < end; from += 8) {
    const vi = v128.load64_splat(from);
    dot01 = f64x2.add(dot01, f64x2.mul(vi, v128.load(x)));
    dot23 = f64x2.add(dot23, f64x2.mul(vi, v128.load(x, 16)));
    x += 32;
  }
  const splat = f64x2.splat(beta);
  dot01 = f64x2.mul(dot01, splat);
  dot23 = f64x2.mul(dot23, splat);
  x = lanes;
  for (let from = v; from < end; from += 8) {
    const vi = v128.load64_splat(from);
    v128.store(x, f64x2.sub(v128.load(x), f64x2.mul(dot01, vi)));
    v128.store(x, f64x2.sub(v128.load(x, 16), f64x2.mul(dot23, vi)), 16);
    x += 32;
  }
}
