/** Compares the closed forms with direct computation: leave out, sum again, invert again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceKernel } from '../kernel/reference-kernel.ts';
import type { Scatter } from '../models/scatter.ts';
import { prepareWhitening, type Whitening, whitenByCholesky } from '../models/whitening.ts';
import { inner, invert, minus, multiply, type Row, trace } from '../testing/dense-algebra.ts';
import { leaveOneOut } from './leave-one-out.ts';

const width = 4;
interface Item {
  readonly x: Row;
  readonly label: number;
  readonly group: string | null;
}

function meanOf(items: readonly Item[]): number[] {
  return Array.from(
    { length: width },
    (_, i) => items.reduce((sum, { x }) => sum + (x[i] ?? 0), 0) / items.length,
  );
}

function scatterOf(items: readonly Item[], classes: number): number[][] {
  const scatter = Array.from({ length: width }, () => new Array<number>(width).fill(0));
  for (let k = 0; k < classes; k++) {
    const own = items.filter(({ label }) => label === k);
    const mean = meanOf(own);
    for (const { x } of own) {
      const u = minus(x, mean);
      scatter.forEach((row, i) => {
        for (let j = 0; j < width; j++) row[j] = (row[j] ?? 0) + (u[i] ?? 0) * (u[j] ?? 0);
      });
    }
  }
  return scatter;
}

function poseScatter(items: readonly Item[], classes: number): Scatter {
  const rows = scatterOf(items, classes);
  const entries = Float64Array.from(rows.flat());
  const squares = entries.reduce((sum, value) => sum + value * value, 0);
  return {
    dimensions: width,
    width,
    columns: width,
    examples: items.length,
    entries,
    trace: trace(rows),
    squares,
    total: 0,
  };
}

/** Trains without the fold, with the given ridge, and measures the distances. */
function bruteForce(items: readonly Item[], index: number, classes: number, epsilon: number, ridge: number) {
  const evaluated = items[index];
  const isLeftOut = (item: Item, i: number) =>
    i === index || (item.group !== null && item.group === evaluated?.group);
  const rest = items.filter((item, i) => !isLeftOut(item, i));
  const scatter = scatterOf(rest, classes);
  const shrunk = scatter.map((row, i) =>
    row.map((value, j) => (1 - epsilon) * value + (i === j ? ridge : 0)),
  );
  const inverse = invert(shrunk);
  const effective = trace(scatter.map((row) => multiply(inverse, row)));
  return Array.from({ length: classes }, (_, k) => {
    const own = rest.filter(({ label }) => label === k);
    if (own.length === 0) return Number.POSITIVE_INFINITY;
    const difference = minus(evaluated?.x ?? [], meanOf(own));
    return rest.length * inner(difference, multiply(inverse, difference)) - effective / own.length;
  });
}

const coordinate = fc.integer({ min: -100, max: 100 });
const item = fc.record({
  x: fc.array(coordinate, { minLength: width, maxLength: width }),
  label: fc.nat({ max: 2 }),
  group: fc.option(fc.constantFrom('g', 'h', 'i'), { freq: 2 }),
});
/** At least two examples of each class, so that the scatter is not zero. */
const sets = fc
  .tuple(fc.array(item, { minLength: 6, maxLength: 20 }), fc.constantFrom(0.05, 0.3, 0.8))
  .map(([items, epsilon]) => ({
    items: items.map((each, i) => (i < 6 ? { ...each, label: i % 3, group: null } : each)),
    epsilon,
  }))
  .filter(({ items }) => poseScatter(items, 3).trace > 100);

function evaluate(items: readonly Item[], whitening: Whitening) {
  const counts = Float64Array.from([0, 1, 2], (k) => items.filter(({ label }) => label === k).length);
  return leaveOneOut({
    epsilon: whitening.epsilon,
    ridge: whitening.ridge,
    effectiveDimensions: whitening.effectiveDimensions ?? 0,
    examples: items.length,
    counts,
    vectors: whitening.vectors.slice(0, items.length),
    means: whitening.vectors.slice(items.length),
    labels: Int32Array.from(items, ({ label }) => label),
    groups: items.map(({ group }) => group),
  });
}

function vectorsOf(items: readonly Item[]): Float64Array[] {
  const means = [0, 1, 2].map((k) => meanOf(items.filter(({ label }) => label === k)));
  return [...items.map(({ x }) => x), ...means].map((x) => Float64Array.from(x));
}

function whitenBothWays(items: readonly Item[], epsilon: number): [Whitening, Whitening] {
  const many = prepareWhitening(referenceKernel, poseScatter(items, 3), vectorsOf(items))(epsilon);
  const one = whitenByCholesky(referenceKernel, poseScatter(items, 3), epsilon, vectorsOf(items));
  if (many === null || one === null) throw new Error('no factor');
  return [many, { ...one, effectiveDimensions: many.effectiveDimensions }];
}

describe('leave-one-out', () => {
  it('equals training without the fold, with both whitening methods', () => {
    fc.assert(
      fc.property(sets, ({ items, epsilon }) => {
        for (const whitening of whitenBothWays(items, epsilon)) {
          const heldOut = evaluate(items, whitening);
          items.forEach(({ label }, index) => {
            const expected = bruteForce(items, index, 3, epsilon, whitening.ridge);
            expect(heldOut.labels[index]).toBe(Number.isFinite(expected[label]) ? label : -1);
            if (!Number.isFinite(expected[label])) return;
            expected.forEach((distance, k) => {
              const actual = -2 * (heldOut.logits[index * 3 + k] ?? Number.NaN);
              if (Number.isFinite(distance))
                expect(Math.abs(actual - distance)).toBeLessThan(1e-7 * (1 + Math.abs(distance)));
              else expect(actual).toBe(distance);
            });
          });
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('ignoring A⁻¹x of the sample', () => {
  it('changes distances by at most the share of one example in the set', () => {
    const count = 1_000;
    const items = Array.from({ length: count }, (_, i): Item => {
      const x = Array.from({ length: width }, (__, j) => ((i * (7 + j) * 31 + j * 17) % 101) + (i % 3) * 40);
      return { x, label: i % 3, group: null };
    });
    for (const epsilon of [0.05, 0.3, 0.8]) {
      const [whitening] = whitenBothWays(items, epsilon);
      const vectors = whitening.vectors.map((vector) => ({ ...vector, solved: new Float64Array(0) }));
      const [exact, near] = [evaluate(items, whitening), evaluate(items, { ...whitening, vectors })];
      expect(near.labels).toEqual(exact.labels);
      const largest = Math.max(...exact.logits.map(Math.abs));
      near.logits.forEach((logit, i) => {
        expect(Math.abs(logit - (exact.logits[i] ?? 0))).toBeLessThan((2 * largest) / count);
      });
    }
  });
});

describe('whitening', () => {
  it('computes tr(W_ε⁻¹W), A⁻¹ and products alike with both methods', () => {
    fc.assert(
      fc.property(sets, ({ items, epsilon }) => {
        const [many, one] = whitenBothWays(items, epsilon);
        const scatter = scatterOf(items, 3);
        const shrunk = scatter.map((row, i) =>
          row.map((v, j) => (1 - epsilon) * v + (i === j ? many.ridge : 0)),
        );
        const inverse = invert(shrunk);
        expect(many.effectiveDimensions).toBeCloseTo(trace(scatter.map((row) => multiply(inverse, row))), 8);
        const [a, b] = [items[0]?.x ?? [], items[1]?.x ?? []];
        for (const { vectors } of [many, one]) {
          const product = inner([...(vectors[0]?.whitened ?? [])], [...(vectors[1]?.whitened ?? [])]);
          expect(product).toBeCloseTo(inner(a, multiply(inverse, b)), 8);
          const square = inner([...(vectors[0]?.solved ?? [])], [...(vectors[1]?.solved ?? [])]);
          expect(square).toBeCloseTo(inner(multiply(inverse, a), multiply(inverse, b)), 8);
        }
      }),
      { numRuns: 200 },
    );
  });
});
