/** Checks the factor's solves against products, with the same bits for both kernels. */
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../kernel/api.ts';
import { scratchLength } from '../kernel/kernel.ts';
import { referenceKernel } from '../kernel/reference-kernel.ts';
import { openSimdKernel } from '../kernel/simd-kernel.ts';
import { CholeskyFactor } from './cholesky-factor.ts';

const simdKernel = openSimdKernel();
if (simdKernel === null) throw new Error('the engine that runs the tests has no WebAssembly SIMD');
const kernels: Kernel[] = [referenceKernel, simdKernel];
const scale = 0.25;

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}

/** A factor followed by unused columns, with the minimum of scratch space for vectors. */
function triangleOf(kernel: Kernel, width: number, more: number, rows = 4) {
  const columns = width + more;
  const random = randomNumbers(width);
  const [entries, scratch] = kernel.claim([width * columns, rows * width]);
  for (let at = 0; at < entries.length; at++) entries[at] = random();
  for (let i = 0; i < width; i++) entries[i * columns + i] = 2 + random();
  const entry = (i: number, j: number) => (j < i ? 0 : scale * (entries[i * columns + j] ?? 0));
  return { triangle: new CholeskyFactor({ kernel, entries, columns, width, scratch }, scale), entry };
}

describe.each([
  { width: 4, more: 0 },
  { width: 20, more: 4 },
  { width: 132, more: 12 },
])('a Cholesky factor, $width wide with $more more columns', ({ width, more }) => {
  it.each([1, 4, 10])('is inverted by its products, for %i vectors', (count) => {
    const random = randomNumbers(count);
    const wanted = Float64Array.from({ length: count * width }, random);
    const results = kernels.map((kernel) => {
      const { triangle, entry } = triangleOf(kernel, width, more);
      const multiply = (by: (i: number, j: number) => number) =>
        wanted.map((_, at) => {
          let sum = 0;
          for (let j = 0; j < width; j++) sum += by(at % width, j) * (wanted[at - (at % width) + j] ?? 0);
          return sum;
        });
      const upper = multiply(entry);
      const transposed = multiply((i, j) => entry(j, i));
      // Small numbers throughout: rounding must not exceed the compared values.
      triangle.solveUpper(upper);
      triangle.solveTransposed(transposed);
      return { upper, transposed };
    });
    expect(results[1]).toEqual(results[0]);
    if (width > 100) return;
    for (let at = 0; at < wanted.length; at++) {
      expect(results[0]?.upper[at]).toBeCloseTo(wanted[at] ?? 0, 8);
      expect(results[0]?.transposed[at]).toBeCloseTo(wanted[at] ?? 0, 8);
    }
  });

  it('solves vectors one by one and together alike', () => {
    const vectors = Float64Array.from({ length: 10 * width }, randomNumbers(3));
    for (const kernel of kernels) {
      const one = triangleOf(kernel, width, more).triangle;
      const single = vectors.slice(7 * width, 8 * width);
      one.solveUpper(single);
      one.solveTransposed(single);
      const all = triangleOf(kernel, width, more, scratchLength(width + more) / width).triangle;
      const together = vectors.slice();
      all.solveUpper(together);
      all.solveTransposed(together);
      expect(single).toEqual(together.subarray(7 * width, 8 * width));
    }
  });
});
