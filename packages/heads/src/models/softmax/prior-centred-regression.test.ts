/** Checks the regression against its own objective. */
import { describe, expect, it } from 'vitest';
import { referenceKernel } from '../../kernel/reference-kernel.ts';
import { SufficientStatistics } from '../../training-set/sufficient-statistics.ts';
import { PriorCentredRegression } from './prior-centred-regression.ts';
import { computeWeightPrior, withoutExamples } from './weight-prior.ts';

const dimensions = 7;
const classes = ['a', 'b', 'c'];
const choices = { shrinkage: 0.1, temperature: 3, effectiveDimensions: 5 };
let state = 7;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const labels = Int32Array.from({ length: 90 }, (_, i) => i % 3);
const vectors = Array.from(labels, (label) =>
  Int16Array.from({ length: dimensions }, (_, j) => 8000 * (random() - 0.5) + (j === label ? 2500 : 0)),
);
const weights = Float64Array.from(labels, (label) => (label === 0 ? 0.5 : 1.25) / 90);

function sumsOf(from: number) {
  const sums = new SufficientStatistics(dimensions, referenceKernel);
  for (let i = from; i < labels.length; i++)
    sums.add(classes[labels[i] ?? 0] ?? '', vectors[i] ?? new Int16Array(dimensions));
  return sums;
}

function weightPriorOf(from = 0) {
  const weightPrior = computeWeightPrior(sumsOf(from), classes, choices);
  if (weightPrior === null) throw new Error('the weight prior is missing');
  return weightPrior;
}

/** W_ε by its definition; padded dimensions have the ridge alone. */
function shrunkCovariance(width: number): Float64Array {
  const means = classes.map((_, k) =>
    Array.from({ length: dimensions }, (__, j) => {
      return vectors.reduce((sum, x, i) => sum + (labels[i] === k ? (x[j] ?? 0) / 30 : 0), 0);
    }),
  );
  const entry = (i: number, j: number) =>
    vectors.reduce((sum, x, n) => {
      const mean = means[labels[n] ?? 0];
      return sum + (((x[i] ?? 0) - (mean?.[i] ?? 0)) * ((x[j] ?? 0) - (mean?.[j] ?? 0))) / labels.length;
    }, 0);
  const { shrinkage } = choices;
  let trace = 0;
  for (let i = 0; i < dimensions; i++) trace += entry(i, i);
  return Float64Array.from({ length: width * width }, (_, at) => {
    const [i, j] = [Math.floor(at / width), at % width];
    const own = i < dimensions && j < dimensions ? (1 - shrinkage) * entry(i, j) : 0;
    return own + (i === j ? (shrinkage * trace) / dimensions : 0);
  });
}

describe('a prior-centred regression', () => {
  it.each([1, 0.03, 0.001])('minimises its objective, λ = %f', (lambda) => {
    const weightPrior = weightPriorOf();
    const regression = new PriorCentredRegression(referenceKernel, weightPrior, { vectors, labels, weights });
    regression.descend(lambda, 200, 1e-13);
    const { width } = weightPrior;
    const best = regression.solution;
    const shrunk = shrunkCovariance(width);
    /** By its definition. */
    const objective = (w: Float64Array, b: Float64Array) => {
      let value = 0;
      vectors.forEach((vector, i) => {
        const logits = classes.map((_, k) =>
          vector.reduce((sum, x, j) => sum + x * (w[k * width + j] ?? 0), b[k] ?? 0),
        );
        const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
        value += (weights[i] ?? 0) * (logSum - (logits[labels[i] ?? 0] ?? 0));
      });
      for (let k = 0; k < classes.length; k++) {
        const away = (j: number) => (w[k * width + j] ?? 0) - (weightPrior.weights[k * width + j] ?? 0);
        for (let i = 0; i < width; i++) {
          for (let j = 0; j < width; j++)
            value += (lambda / 2) * away(i) * (shrunk[i * width + j] ?? 0) * away(j);
        }
      }
      return value;
    };
    const least = objective(best.weights, best.biases);
    expect(least).toBeLessThan(objective(weightPrior.weights, best.biases));
    for (let trial = 0; trial < 40; trial++) {
      const size = 10 ** -(trial % 4);
      const w = best.weights.map((value) => value * (1 + 0.1 * size * (random() - 0.5)));
      const b = best.biases.map((value) => value + size * (random() - 0.5));
      expect(objective(w, b)).toBeGreaterThanOrEqual(least - 1e-9);
    }
  });

  it('continues from the solution of another one', () => {
    const weightPrior = weightPriorOf();
    const first = new PriorCentredRegression(referenceKernel, weightPrior, { vectors, labels, weights });
    first.descend(0.01, 50, 1e-12);
    const second = new PriorCentredRegression(referenceKernel, weightPrior, { vectors, labels, weights });
    second.startFrom(first.shift);
    expect(second.descend(0.01, 50, 1e-6)).toBeLessThan(3);
    const [one, other] = [first.evaluate(vectors), second.evaluate(vectors)];
    for (let i = 0; i < one.length; i++) expect(other[i]).toBeCloseTo(one[i] ?? 0, 3);
  });
});

describe('a weight prior', () => {
  it('of a set without some examples equals that of the remaining ones, to the last bit', () => {
    const held = Array.from({ length: 20 }, (_, i) => {
      return { label: classes[labels[i] ?? 0] ?? '', vector: vectors[i] ?? new Int16Array(dimensions) };
    });
    const [own, others] = [
      computeWeightPrior(withoutExamples(sumsOf(0), held), classes, choices),
      weightPriorOf(20),
    ];
    expect({ ...own, factor: null }).toEqual({ ...others, factor: null });
    const turned = [own, others].map((weightPrior) => {
      const numbers = Float64Array.from({ length: others.width }, (_, i) => i + 1);
      weightPrior?.factor.solveUpper(numbers);
      return numbers;
    });
    expect(turned[0]).toEqual(turned[1]);
  });

  it('has no weights for a class without examples, and needs two classes with examples', () => {
    const sums = withoutExamples(
      sumsOf(0),
      vectors.flatMap((vector, i) => (labels[i] === 1 ? [{ label: 'b', vector }] : [])),
    );
    expect(computeWeightPrior(sums, classes, choices)?.intercepts[1]).toBe(Number.NEGATIVE_INFINITY);
    const one = withoutExamples(
      sums,
      vectors.flatMap((vector, i) => (labels[i] === 2 ? [{ label: 'c', vector }] : [])),
    );
    expect(computeWeightPrior(one, classes, choices)).toBeNull();
  });
});
