import { HeadwaterError } from '@headwater/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantize, unit } from './quantization.ts';

describe('quantize', () => {
  it('rounds halves to even', () => {
    // Squares that sum up to 8192²: scaled to 8192, the entries are themselves.
    const vector = Float32Array.of(0.5, 1.5, 2.5, 8191.5, 90, 9, 1, 1);
    expect(vector.reduce((sum, value) => sum + value * value, 0)).toBe(8192 ** 2);
    expect([...quantize(vector)]).toEqual([0, 2, 2, 8192, 90, 9, 1, 1]);
    expect([...quantize(vector.map((value) => -value))]).toEqual([0, -2, -2, -8192, -90, -9, -1, -1]);
  });

  it('leaves a zero vector zero and maps an axis to exactly one', () => {
    expect([...quantize(new Float32Array(3))]).toEqual([0, 0, 0]);
    expect([...quantize(Float32Array.of(0, -1e-42, 0))]).toEqual([0, -unit, 0]);
    expect([...quantize(Float32Array.of(3.4e38, 0))]).toEqual([unit, 0]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('rejects %s', (value) => {
    const thrown = expect(() => quantize(Float32Array.of(1, value)));
    thrown.toThrow(HeadwaterError);
    thrown.toThrow(expect.objectContaining({ code: 'vector-not-finite', verdict: 'dead-letter' }));
  });

  it('stays within one unit and within rounding of the exact direction', () => {
    const vectors = fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(vectors, (vector) => {
        const quantized = quantize(vector);
        const norm = Math.hypot(...vector);
        quantized.forEach((value, i) => {
          expect(Math.abs(value)).toBeLessThanOrEqual(unit);
          if (norm > 0) expect(Math.abs(value - ((vector[i] ?? 0) / norm) * unit)).toBeLessThan(0.5001);
        });
      }),
    );
  });
});
