/** Percentiles of held-out vectors of known classes must be uniform. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WhitenedSample } from '../calibration/whitened-sample.ts';
import { openHead, trainHead } from '../models/head.ts';
import { quantize } from '../numerics/quantization.ts';
import { inner, invert, minus, multiply, type Row } from '../testing/dense-algebra.ts';
import { createTrainingSet } from '../training-set/training-set.ts';
import { leaveOneOutDistances } from './novelty.ts';

const width = 3;
const ridge = 40;
interface Item {
  readonly x: Row;
  readonly label: number;
}

const meanOf = (items: readonly Item[]): Row =>
  Array.from({ length: width }, (_, i) => items.reduce((sum, { x }) => sum + (x[i] ?? 0), 0) / items.length);
const outer = (sum: readonly Row[], u: Row, factor: number) =>
  sum.map((row, i) => row.map((value, j) => value + factor * (u[i] ?? 0) * (u[j] ?? 0)));
const zero = (): number[][] => Array.from({ length: width }, () => new Array<number>(width).fill(0));

function summarize(items: readonly Item[], epsilon: number) {
  const own = [0, 1, 2].map((label) => items.filter((item) => item.label === label));
  const [center, means] = [meanOf(items), own.map(meanOf)];
  const scatter = items.reduce((sum, { x, label }) => outer(sum, minus(x, means[label] ?? []), 1), zero());
  const within = scatter.map((row, i) => row.map((v, j) => (1 - epsilon) * v + (i === j ? ridge : 0)));
  const all = means.reduce((sum, mean, k) => outer(sum, minus(mean, center), own[k]?.length ?? 0), within);
  const inverse = invert(within);
  const effective = scatter.reduce((sum, row, i) => sum + (multiply(inverse, row)[i] ?? 0), 0);
  const counts = own.map(({ length }) => length);
  return { center, means, counts, inverse, background: invert(all), effective, n: items.length };
}

/** min_k d_k² of x, corrected, less d_0² with the discount of 15 %, by a model that has not seen it. */
function measureDirectly(
  x: Row,
  { center, means, counts, inverse, background, effective, n }: Model,
): number {
  const square = (matrix: readonly Row[], from: Row) =>
    n * inner(minus(x, from), multiply(matrix, minus(x, from)));
  const distances = means.map((mean, k) => square(inverse, mean) - effective / (counts[k] ?? 1));
  return Math.min(...distances) - 0.85 * square(background, center) - 0.15 * square(inverse, center);
}
type Model = ReturnType<typeof summarize>;

/** Whitens with L where L Lᵀ = A⁻¹: Lᵀx has the same dot products as the symmetric square root. */
function whiten(items: readonly Item[], epsilon: number): WhitenedSample {
  const { center, means, counts, inverse, effective } = summarize(items, epsilon);
  const factor = cholesky(inverse);
  const put = (x: Row) => {
    const moved = minus(x, center);
    const whitened = factor.map((_, j) =>
      inner(
        factor.map((row) => row[j] ?? 0),
        moved,
      ),
    );
    return { whitened: Float64Array.from(whitened), solved: Float64Array.from(multiply(inverse, moved)) };
  };
  return {
    epsilon,
    ridge,
    effectiveDimensions: effective,
    examples: items.length,
    counts: Float64Array.from(counts),
    means: means.map(put),
    vectors: items.map(({ x }) => put(x)),
    labels: Int32Array.from(items, ({ label }) => label),
    groups: items.map(() => null),
  };
}

function cholesky(matrix: readonly Row[]): number[][] {
  const lower = zero();
  matrix.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      const rest = (row[j] ?? 0) - inner((lower[i] ?? []).slice(0, j), (lower[j] ?? []).slice(0, j));
      (lower[i] ?? [])[j] = i === j ? Math.sqrt(rest) : rest / (lower[j]?.[j] ?? 1);
    }
  });
  return lower;
}

const item = fc.record({
  x: fc.array(fc.integer({ min: -30, max: 30 }), { minLength: width, maxLength: width }),
  label: fc.nat({ max: 2 }),
});
/** At least two of each class. */
const sets = fc
  .array(item, { minLength: 7, maxLength: 20 })
  .map((items) => items.map((each, i) => (i < 6 ? { ...each, label: i % 3 } : each)));

describe('the distances of left-out examples', () => {
  it('equal those of a model trained without them', () => {
    fc.assert(
      fc.property(sets, fc.constantFrom(0.05, 0.3, 0.8), (items, epsilon) => {
        const distances = leaveOneOutDistances(whiten(items, epsilon));
        expect(distances).toHaveLength(items.length);
        items.forEach(({ x }, index) => {
          const expected = measureDirectly(
            x,
            summarize(
              items.filter((_, i) => i !== index),
              epsilon,
            ),
          );
          expect(Math.abs((distances[index] ?? Number.NaN) - expected)).toBeLessThan(
            1e-6 * (1 + Math.abs(expected)),
          );
        });
      }),
      { numRuns: 200 },
    );
  });
});

describe('percentiles of held-out vectors of known classes', () => {
  const dimensions = 120;
  const classes = ['a', 'b', 'c', 'd', 'e'];

  /**
   * Normal clouds (Box and Muller) around random corners; a small linear congruential generator gives the same numbers in every
   * run.
   */
  function clouds(count: number) {
    let state = 7;
    const uniform = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state + 0.5) / 2 ** 32;
    };
    const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const corners = classes.map(() => Array.from({ length: dimensions }, normal));
    return Array.from({ length: count }, (_, i) => {
      const k = i % classes.length;
      const vector = Float32Array.from(
        { length: dimensions },
        (__, j) => (corners[k]?.[j] ?? 0) + 2 * normal(),
      );
      return { imageId: `image ${i}`, label: classes[k] ?? '', group: null, vector: quantize(vector) };
    });
  }

  it.each(['provisional', 'settled'] as const)(
    'are uniform with more dimensions than a third of the examples, %s',
    (mode) => {
      const examples = clouds(1_300);
      const set = createTrainingSet({ extractor: 'net.v1', task: 'cloud', dimensions });
      for (const example of examples.slice(0, 300)) set.add(example);
      const classifier = openHead(trainHead(set, { kind: 'lda', mode }));
      const percentiles = examples
        .slice(300)
        .map(({ vector }) => classifier.predict(vector).novelty ?? Number.NaN);
      const shareUnder = (limit: number) =>
        percentiles.filter((value) => value <= limit).length / percentiles.length;
      for (const limit of [0.1, 0.25, 0.5, 0.75, 0.9]) {
        expect(Math.abs(shareUnder(limit) - limit)).toBeLessThan(0.06);
      }
    },
  );
});
