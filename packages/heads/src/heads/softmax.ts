/**
 * Multinomial logistic regression by stochastic gradient descent over the sample, in the fixed pseudo-random order of the sample keys: the
 * baseline that the other heads are compared with. It learns from the sample alone.
 */
import { fixedExp } from '../fixed-math.ts';
import type { HeadFamily, TrainedHead } from '../head-family.ts';
import { blendOf, encodeLinear, openLinear } from '../linear-head.ts';
import { centerSample, type Problem } from '../problem.ts';
import { unit } from '../quantization.ts';
import { dot } from '../vector-arithmetic.ts';
import { trainBlindly } from './ncm.ts';

/** Passes over the sample; a provisional head takes fewer. */
const passes = { provisional: 10, settled: 30 };
const learningRate = 2;
/** Of weights in a step of size one, for vectors of unit length. */
const decay = 1e-4;

export const softmax: HeadFamily = { train: trainSoftmax, open: openLinear };

function trainSoftmax(problem: Problem): TrainedHead {
  const { classes, dimensions, examples, center, logPriors, sample, lift } = problem;
  if (classes.length < 2) return trainBlindly(problem);
  const vectors = centerSample(problem).map((vector) => vector.map((value) => value / unit));
  const rows = classes.map(() => new Float64Array(center.length));
  const intercepts = new Float64Array(classes.length);
  const balance = balanceOf(problem);
  for (let pass = 0; pass < passes[problem.mode]; pass++) {
    const rate = learningRate / (1 + pass);
    for (const [index, vector] of vectors.entries()) {
      step(problem, rows, intercepts, vector, index, rate * (balance[index] ?? 0));
    }
  }
  const weights = new Float64Array(classes.length * dimensions);
  const biases = Float64Array.from(rows, (row, k) => {
    for (let i = 0; i < dimensions; i++) weights[k * dimensions + i] = (row[i] ?? 0) / unit;
    return (intercepts[k] ?? 0) - dot(row, center) / unit + (logPriors[k] ?? 0);
  });
  return {
    parameters: encodeLinear({ weights, biases, blend: blendOf(examples), lift, novelty: null }),
    regularization: decay,
    temperature: 1,
    measurements: { sample: sample.length },
  };
}

/** Classes weigh alike, whatever their number; the mean weight is one. */
function balanceOf({ sampleLabels, classes }: Problem): Float64Array {
  const counts = new Float64Array(classes.length);
  for (const label of sampleLabels) counts[label] = (counts[label] ?? 0) + 1;
  const present = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return Float64Array.from(sampleLabels, (label) => sampleLabels.length / (present * (counts[label] ?? 1)));
}

/** One step down the gradient of the log loss of one example; weights of rare classes are capped, lest a step overshoot. */
function step(
  { sampleLabels }: Problem,
  rows: readonly Float64Array[],
  intercepts: Float64Array,
  vector: Float64Array,
  index: number,
  rate: number,
): void {
  const size = Math.min(rate, 2 * learningRate);
  const logits = Float64Array.from(rows, (row, k) => dot(row, vector) + (intercepts[k] ?? 0));
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > highest) highest = logit;
  const weights = logits.map((logit) => fixedExp(logit - highest));
  let sum = 0;
  for (const weight of weights) sum += weight;
  rows.forEach((row, k) => {
    const error = (sampleLabels[index] === k ? 1 : 0) - (weights[k] ?? 0) / sum;
    intercepts[k] = (intercepts[k] ?? 0) + 0.1 * size * error;
    for (let i = 0; i < row.length; i++) {
      row[i] = (row[i] ?? 0) * (1 - size * decay) + size * error * (vector[i] ?? 0);
    }
  });
}
