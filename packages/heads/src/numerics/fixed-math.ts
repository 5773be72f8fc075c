/**
 * `Math.exp` and `Math.log` may differ in the last bit from one JavaScript engine to another; additions, multiplications,
 * divisions and square roots may not. All computations behind a head's digest use these functions instead. Both follow fdlibm
 * (Sun Microsystems, 1993: e_exp.c, e_log.c; freely granted): error under one unit in the last place.
 */
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;
const view = new DataView(new ArrayBuffer(8));

/** e^x for x ≤ 0; 0 below −708, where a double has no full precision left. */
export function fixedExp(x: number): number {
  if (!(x >= -708)) return 0;
  const k = Math.trunc(x / Math.LN2 - 0.5);
  const high = x - k * ln2High;
  const low = k * ln2Low;
  const r = high - low;
  const t = r * r;
  const polynomial =
    0.16666666666666602 +
    t *
      (-0.0027777777777015593 +
        t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8)));
  const c = r - t * polynomial;
  return (1 - (low - (r * c) / (2 - c) - high)) * powerOfTwo(k);
}

/** The natural logarithm of a finite x > 0. */
export function fixedLog(x: number): number {
  let exponent = 0;
  let mantissa = x;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  while (mantissa >= Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const odd =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
  const half = 0.5 * f * f;
  return exponent * ln2High - (half - (s * (half + even + odd) + exponent * ln2Low) - f);
}

/** 2^k for −1022 ≤ k ≤ 1023, exactly. */
export function powerOfTwo(k: number): number {
  view.setUint32(0, (k + 1023) << 20);
  view.setUint32(4, 0);
  return view.getFloat64(0);
}
