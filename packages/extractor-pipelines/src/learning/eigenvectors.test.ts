import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eigenvectors } from './eigenvectors.ts';

/** Largest entry of A V − V Λ and of Vᵀ V − I, as a share of the largest eigenvalue. */
function errors(matrix: readonly (readonly number[])[], count: number) {
  const size = matrix.length;
  const found = eigenvectors(Float64Array.from(matrix.flat()), size);
  const vectors = found.vectors(count);
  const norm = Math.max(...found.values.map(Math.abs)) || 1;
  const residuals = vectors.flatMap((vector, k) =>
    matrix.map((row, i) => {
      const product = row.reduce((sum, entry, j) => sum + entry * (vector[j] ?? 0), 0);
      return Math.abs(product - (found.values[k] ?? 0) * (vector[i] ?? 0)) / norm;
    }),
  );
  const overlaps = vectors.flatMap((a, k) =>
    vectors.map((b, l) =>
      Math.abs(a.reduce((sum, entry, i) => sum + entry * (b[i] ?? 0), 0) - (k === l ? 1 : 0)),
    ),
  );
  return { values: found.values, vectors, residual: Math.max(...residuals), overlap: Math.max(...overlaps) };
}

function expectRight(matrix: readonly (readonly number[])[], count = matrix.length) {
  const { values, residual, overlap } = errors(matrix, count);
  expect(residual).toBeLessThan(1e-12);
  expect(overlap).toBeLessThan(1e-12);
  for (let i = 1; i < values.length; i++) expect(values[i]).toBeLessThanOrEqual(values[i - 1] ?? 0);
  const trace = matrix.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  const norm = Math.max(...values.map(Math.abs));
  expect(Math.abs(values.reduce((sum, value) => sum + value, 0) - trace)).toBeLessThanOrEqual(1e-12 * norm);
}

function symmetric(size: number, entry: (i: number, j: number) => number): number[][] {
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => entry(Math.min(i, j), Math.max(i, j))),
  );
}

const tiny = new Map([
  ['0 5', -2.7373652127595875e-55],
  ['1 7', -0.9959754907785827],
  ['3 5', 3.11513041206835e-54],
  ['5 6', -1],
]);
const threefold = new Map([
  ['3 6', -1],
  ['4 7', 1],
  ['5 5', -1],
]);

describe('eigenvectors', () => {
  it('are correct for any symmetric matrix, including equal values', () => {
    const entry = fc.oneof(
      fc.constant(0),
      fc.constant(0),
      fc.integer({ min: -2, max: 2 }),
      // Not smaller than a product with an eigenvalue can resolve.
      fc.double({ min: -1, max: 1, noNaN: true }).map((drawn) => (Math.abs(drawn) < 1e-290 ? 0 : drawn)),
    );
    const matrix = fc
      .constantFrom(4, 8, 16)
      .chain((size) =>
        fc
          .array(entry, { minLength: size * size, maxLength: size * size })
          .map((entries) => symmetric(size, (i, j) => entries[i * size + j] ?? 0)),
      );
    fc.assert(
      fc.property(matrix, (drawn) => expectRight(drawn)),
      { numRuns: 200 },
    );
  });

  it.each([
    ['zeros', symmetric(8, () => 0)],
    ['the identity', symmetric(8, (i, j) => (i === j ? 1 : 0))],
    ['ones', symmetric(12, () => 1)],
    ['a chain', symmetric(64, (i, j) => (i === j ? 2 : j === i + 1 ? -1 : 0))],
    ['two equal blocks', symmetric(16, (i, j) => (i >> 3 === j >> 3 ? 1 / ((i & 7) + (j & 7) + 1) : 0))],
    ['values of many sizes', symmetric(40, (i, j) => (i === j ? 10 ** -(i / 2) : 10 ** -(2 + j / 2)))],
    ["Wilkinson's pairs", symmetric(24, (i, j) => (i === j ? Math.abs(i - 10) : j === i + 1 ? 1 : 0))],
    ['rounding errors of rounding errors', symmetric(8, (i, j) => tiny.get(`${i} ${j}`) ?? 0)],
    ['values of which three coincide', symmetric(8, (i, j) => threefold.get(`${i} ${j}`) ?? 0)],
    ['numbers near the largest', symmetric(8, (i, j) => (i + j) * 1e150)],
    ['numbers near the smallest', symmetric(8, (i, j) => (i + j) * 1e-150)],
  ])('are correct for %s', (_, matrix) => expectRight(matrix));

  it('are as many as requested, with a positive largest entry', () => {
    const matrix = symmetric(32, (i, j) => ((i * 7 + j * 13) % 11) - 5);
    const { vectors } = errors(matrix, 3);
    expect(vectors).toHaveLength(3);
    for (const vector of vectors) {
      const largest = Math.max(...vector.map(Math.abs));
      expect(vector.find((entry) => Math.abs(entry) === largest)).toBeGreaterThan(0);
    }
    expectRight(matrix, 3);
  });
});
