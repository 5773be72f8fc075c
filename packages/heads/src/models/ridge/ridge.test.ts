/** Compares the closed form with regressions without each fold. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { referenceKernel } from '../../kernel/reference-kernel.ts';
import type { Scatter } from '../scatter.ts';
import { whitenByCholesky } from '../whitening.ts';
import { leaveOneOutRegression } from './ridge.ts';

const width = 4;
const classes = 3;
interface Item {
  readonly x: readonly number[];
  readonly label: number;
  readonly group: string | null;
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
const meanOf = (items: readonly Item[]) =>
  Array.from({ length: width }, (_, i) => items.reduce((sum, { x }) => sum + (x[i] ?? 0), 0) / items.length);
const centered = (items: readonly Item[]) => {
  const mean = meanOf(items);
  return items.map(({ x }) => x.map((value, i) => value - (mean[i] ?? 0)));
};

function scatterOf(items: readonly Item[]): number[][] {
  const rows = centered(items);
  return Array.from({ length: width }, (_, i) =>
    Array.from({ length: width }, (__, j) => rows.reduce((sum, x) => sum + (x[i] ?? 0) * (x[j] ?? 0), 0)),
  );
}

/** Gaussian elimination without pivoting: the matrices are positive definite. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  for (let k = 0; k < width; k++) {
    const pivot = rows[k]?.map((value) => value / (rows[k]?.[k] ?? 1)) ?? [];
    rows.forEach((row, i) => {
      rows[i] = i === k ? pivot : row.map((value, j) => value - (row[k] ?? 0) * (pivot[j] ?? 0));
    });
  }
  return rows.map((row) => row[width] ?? 0);
}

function predictWithout(items: readonly Item[], index: number, lambda: number): number[] {
  const evaluated = items[index];
  const rest = items.filter(
    (item, i) => i !== index && (item.group === null || item.group !== evaluated?.group),
  );
  const scatter = scatterOf(rest).map((row, i) => row.map((value, j) => value + (i === j ? lambda : 0)));
  const rows = centered(rest);
  const mean = meanOf(rest);
  const x = evaluated?.x.map((value, i) => value - (mean[i] ?? 0)) ?? [];
  return Array.from({ length: classes }, (_, k) => {
    const share = rest.filter(({ label }) => label === k).length / rest.length;
    const right = Array.from({ length: width }, (__, i) =>
      rest.reduce((sum, { label }, n) => sum + (rows[n]?.[i] ?? 0) * ((label === k ? 1 : 0) - share), 0),
    );
    return share + dot(x, solve(scatter, right));
  });
}

const item = fc.record({
  x: fc.array(fc.integer({ min: -100, max: 100 }), { minLength: width, maxLength: width }),
  label: fc.nat({ max: classes - 1 }),
  group: fc.option(fc.constantFrom('g', 'h', 'i', 'j', 'k'), { freq: 2 }),
});
const sets = fc
  .array(item, { minLength: 9, maxLength: 24 })
  .map((items) => items.map((each, i) => (i < 9 ? { ...each, label: i % classes, group: null } : each)));

it('equals a regression without the fold, for leave-one-out', () => {
  fc.assert(
    fc.property(sets, fc.constantFrom(0.05, 0.3, 0.8), (items, epsilon) => {
      const rows = scatterOf(items);
      const trace = rows.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
      fc.pre(trace > 100);
      const entries = Float64Array.from(rows.flat());
      const scatter: Scatter = {
        dimensions: width,
        width,
        columns: width,
        examples: items.length,
        entries,
        trace,
        squares: 0,
        total: 0,
      };
      const vectors = centered(items);
      const targets = [0, 1, 2].map((k) =>
        Array.from({ length: width }, (_, i) =>
          items.reduce((sum, { label }, n) => sum + (label === k ? (vectors[n]?.[i] ?? 0) : 0), 0),
        ),
      );
      const all = [...vectors, ...targets].map((x) => Float64Array.from(x));
      const whitening = whitenByCholesky(referenceKernel, scatter, epsilon, all);
      if (whitening === null) throw new Error('no factor');
      const problem = {
        examples: items.length,
        counts: Float64Array.from([0, 1, 2], (k) => items.filter(({ label }) => label === k).length),
        sample: items.map(({ group }, i) => ({
          imageId: `${i}`,
          label: '',
          group,
          vector: new Int16Array(),
        })),
        sampleLabels: Int32Array.from(items, ({ label }) => label),
        sampleGroups: items.map(({ group }) => group),
      };
      const heldOut = leaveOneOutRegression(problem, whitening);
      const lambda = ((epsilon / (1 - epsilon)) * trace) / width;
      items.forEach((_, index) => {
        predictWithout(items, index, lambda).forEach((expected, k) => {
          expect(heldOut.logits[index * classes + k]).toBeCloseTo(expected, 8);
        });
      });
    }),
    { numRuns: 200 },
  );
});
