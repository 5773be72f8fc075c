import { quantize } from '@headwater/heads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dequantize } from './dequantization.ts';

const entry = fc.oneof(
  { weight: 3, arbitrary: fc.float({ min: -10, max: 10, noNaN: true }) },
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.float({ min: Math.fround(-1e6), max: Math.fround(1e6), noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(1, -1, 0.5) },
);

describe('dequantization', () => {
  it('returns a vector with the same quantisation', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 48 }), (numbers) => {
        const quantized = quantize(Float32Array.from(numbers));
        expect([...quantize(dequantize(quantized))]).toEqual([...quantized]);
      }),
      { numRuns: 3000 },
    );
  });

  it('does so for many dimensions, where rounding errors add up', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const sparse = seed % 3 === 0;
      const numbers = Float32Array.from({ length: 1280 }, (_, at) => {
        const value = Math.sin(seed * 12.9898 + at * 78.233) * 43758.5453;
        const noise = value - Math.floor(value) - (seed % 2 === 0 ? 0.5 : 0);
        return sparse && at % 40 !== 0 ? 0 : noise + (at === seed ? 20 : 0);
      });
      const quantized = quantize(numbers);
      expect(quantize(dequantize(quantized))).toEqual(quantized);
    }
  });

  it('keeps zeros, and rejects numbers that are no quantised vector', () => {
    expect(dequantize(new Int16Array(3))).toEqual(new Float32Array(3));
    expect(() => dequantize(Int16Array.of(5, 5))).toThrow(
      expect.objectContaining({ code: 'record-invalid' }),
    );
  });
});
