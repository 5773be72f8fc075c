import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divide, ExactSums } from './exact-sums.ts';

/** A float32 as an integer, in units of 2^−149. */
function exactly(value: number): bigint {
  let scaled = value;
  let shift = 149;
  for (; shift > 0 && !Number.isInteger(scaled); shift--) scaled *= 2;
  return BigInt(scaled) << BigInt(shift);
}

describe('exact sums', () => {
  it('give the exact mean and variance', () => {
    const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(values, (drawn) => {
        const sums = new ExactSums(1);
        for (const value of drawn) sums.add(Float32Array.of(value));
        const n = BigInt(drawn.length);
        const sum = drawn.reduce((total, value) => total + exactly(value), 0n);
        const squares = drawn.reduce((total, value) => total + exactly(value) ** 2n, 0n);
        expect(sums.mean(0)).toBe(divide(sum, n << 149n));
        expect(sums.deviation(0)).toBe(Math.sqrt(divide(n * squares - sum * sum, (n * n) << 298n)));
      }),
    );
  });

  it('lose nothing where sums of floats do', () => {
    const sums = new ExactSums(2);
    for (const value of [3e38, 1, 1e-40, -3e38]) sums.add(Float32Array.of(value, Number.NaN));
    expect(sums.mean(0)).toBe((1 + Math.fround(1e-40)) / 4);
    expect(sums.count(1)).toBe(0);
    expect(sums.mean(1)).toBe(0);
    expect(sums.deviation(1)).toBe(0);
  });
});

describe('a quotient', () => {
  it('is the nearest double', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (a, b) => {
        expect(divide(BigInt(a), BigInt(b))).toBe(a / b === 0 ? 0 : a / b);
      }),
    );
  });

  it('rounds halves to even', () => {
    expect(divide(2n ** 54n + 2n, 2n)).toBe(2 ** 53);
    expect(divide(2n ** 54n + 6n, 2n)).toBe(2 ** 53 + 4);
    expect(divide(2n ** 54n + 3n, 2n)).toBe(2 ** 53 + 2);
  });
});
