import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fixedExp, fixedLog } from './fixed-math.ts';

it('fixedExp agrees with Math.exp to the last places', () => {
  fc.assert(
    fc.property(fc.double({ min: -707, max: 0, noNaN: true }), (x) => {
      expect(Math.abs(fixedExp(x) / Math.exp(x) - 1)).toBeLessThan(1e-15);
    }),
    { numRuns: 2000 },
  );
  expect(fixedExp(0)).toBe(1);
  expect(fixedExp(-1000)).toBe(0);
  expect(fixedExp(Number.NEGATIVE_INFINITY)).toBe(0);
});

it('fixedLog agrees with Math.log to the last places', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
      const difference = Math.abs(fixedLog(x) - Math.log(x));
      expect(difference).toBeLessThanOrEqual(1e-15 * Math.max(Math.abs(Math.log(x)), 1e-3));
    }),
    { numRuns: 2000 },
  );
  expect(fixedLog(1)).toBe(0);
});

it('fixedExp and fixedLog give the recorded bits on every engine', () => {
  const hex = (x: number) => Buffer.from(Float64Array.of(x).buffer).reverse().toString('hex');
  expect([-0.1, -1, -3.7, -250.5].map((x) => hex(fixedExp(x)))).toMatchInlineSnapshot(`
    [
      "3fecf46d99d52b3a",
      "3fd78b56362cef38",
      "3f99511fc6871044",
      "29585576b701d2b1",
    ]
  `);
  expect([0.1, 0.9, 3, 1e9].map((x) => hex(fixedLog(x)))).toMatchInlineSnapshot(`
    [
      "c0026bb1bbb55515",
      "bfbaf8e8210a415c",
      "3ff193ea7aad030a",
      "4034b927f32bffb8",
    ]
  `);
});
