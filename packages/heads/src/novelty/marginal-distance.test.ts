/** Compares with the inverse itself, and with held-out vectors. */
import { describe, expect, it } from 'vitest';
import { openHead, trainHead } from '../models/head.ts';
import { computeScatter, ridgeOf, sumsOfClasses } from '../models/scatter.ts';
import { prepareProblem } from '../models/training-problem.ts';
import { quantize } from '../numerics/quantization.ts';
import { inner, invert, multiply, type Row } from '../testing/dense-algebra.ts';
import { openTrainingInput } from '../training-set/set-snapshot.ts';
import { createTrainingSet } from '../training-set/training-set.ts';
import {
  fitMarginalDistance,
  leaveOneOutMarginalDistance,
  type MarginalDistance,
  measureMarginalDistance,
} from './marginal-distance.ts';

const dimensions = 64;
const epsilon = 0.1;

/** Normal numbers (Box and Muller) from a small linear congruential generator: the same in every run. */
function normalNumbers(seed: number) {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Three classes that vary in the first six dimensions, and little in the others; `stray` is an offset in one of these. */
function clouds(count: number, seed: number, stray = 0) {
  const corners = normalNumbers(99);
  const means = [0, 1, 2].map(() => Array.from({ length: dimensions }, corners));
  const normal = normalNumbers(seed);
  return Array.from({ length: count }, (_, i) => {
    const spreadOf = (j: number) => (j < 6 ? 2 : 0.4);
    const vector = Float32Array.from({ length: dimensions }, (__, j) => {
      return (means[i % 3]?.[j] ?? 0) + spreadOf(j) * normal() + (j === 40 ? stray : 0);
    });
    return { imageId: `${seed}/${i}`, label: 'abc'[i % 3] ?? '', group: null, vector: quantize(vector) };
  });
}

function setOf(examples: ReturnType<typeof clouds>) {
  const set = createTrainingSet({ extractor: 'net.v1', task: 'cloud', dimensions });
  for (const example of examples) set.add(example);
  return set;
}

function describeSet(count: number) {
  const problem = prepareProblem(openTrainingInput(setOf(clouds(count, 1))), {
    kind: 'lda',
    mode: 'settled',
  });
  const scatter = computeScatter(problem.statistics, sumsOfClasses(problem.statistics));
  const marginalDistance = fitMarginalDistance(scatter, epsilon, problem.center);
  if (marginalDistance === null) throw new Error('the marginal distance is missing');
  return { problem, scatter, marginalDistance };
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
const held = (marginalDistance: MarginalDistance) =>
  clouds(600, 2).map(({ vector }) => measureMarginalDistance(marginalDistance, vector));

describe('the marginal distance', () => {
  it('is close to n·yᵀA⁻¹y where most of the variance lies in few directions', () => {
    const { scatter, marginalDistance } = describeSet(400);
    const at = (i: number, j: number) =>
      scatter.entries[Math.min(i, j) * scatter.columns + Math.max(i, j)] ?? 0;
    const rows = Array.from({ length: dimensions }, (_, i): Row => {
      return Array.from({ length: dimensions }, (__, j) => {
        return (1 - epsilon) * at(i, j) + (i === j ? ridgeOf(scatter, epsilon) : 0);
      });
    });
    const inverse = invert(rows);
    const ratios = clouds(60, 2).map(({ vector }) => {
      const y = [...vector].map((value, i) => value - (marginalDistance.center[i] ?? 0));
      return measureMarginalDistance(marginalDistance, vector) / (400 * inner(y, multiply(inverse, y)));
    });
    expect(Math.abs(mean(ratios) - 1)).toBeLessThan(0.2);
    expect(Math.max(...ratios) - Math.min(...ratios)).toBeLessThan(0.6);
  });

  it('of left-out examples equals that of held-out vectors', () => {
    const { problem, marginalDistance } = describeSet(250);
    const left = problem.sampleVectors.map((vector, index) => {
      const label = problem.sampleLabels[index] ?? 0;
      const own = problem.means[label] ?? new Float64Array(dimensions);
      return leaveOneOutMarginalDistance(
        marginalDistance,
        { epsilon, examples: 250 },
        vector,
        own,
        problem.counts[label] ?? 0,
      );
    });
    const inside = problem.sampleVectors.map((vector) => measureMarginalDistance(marginalDistance, vector));
    const expected = mean(held(marginalDistance));
    expect(mean(inside)).toBeLessThan(expected);
    expect(Math.abs(mean(left) - expected)).toBeLessThan((expected - mean(inside)) / 2);
  });

  it('is null for few examples', () => {
    const problem = prepareProblem(openTrainingInput(setOf(clouds(60, 1))), { kind: 'lda', mode: 'settled' });
    const scatter = computeScatter(problem.statistics, sumsOfClasses(problem.statistics));
    expect(fitMarginalDistance(scatter, epsilon, problem.center)).toBeNull();
  });
});

it('reports high novelty for vectors that deviate in directions common to all classes', () => {
  const classifier = openHead(trainHead(setOf(clouds(400, 1)), { kind: 'lda', mode: 'settled' }));
  const noveltyOf = (stray: number) =>
    mean(clouds(300, 3, stray).map(({ vector }) => classifier.predict(vector).novelty ?? Number.NaN));
  expect(noveltyOf(12)).toBeGreaterThan(0.9);
  expect(Math.abs(noveltyOf(0) - 0.5)).toBeLessThan(0.05);
});
