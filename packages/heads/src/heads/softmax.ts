/**
 * Multinomial logistic regression by stochastic gradient descent over the sample, in the fixed pseudo-random order of the sample keys: the
 * baseline that the other heads are compared with. It learns from the sample alone. No closed form says what it would have answered
 * without an example, so that its temperature, and how sure it must be, come from three regressions that each leave a third out.
 */

import { fixedExp } from '../fixed-math.ts';
import { findFolds } from '../folds.ts';
import type { HeadFamily, TrainedHead } from '../head-family.ts';
import { blendOf, encodeLinear, openLinear } from '../linear-head.ts';
import { centerSample, type Problem } from '../problem.ts';
import { unit } from '../quantization.ts';
import { measureSureness } from '../sure-enough.ts';
import { chooseTemperature, type LeftOut } from '../temperature.ts';
import { dot } from '../vector-arithmetic.ts';
import { trainBlindly } from './ncm.ts';

/** Passes over the sample; a provisional head takes fewer. */
const passes = { provisional: 10, settled: 30 };
const learningRate = 2;
/** Of weights in a step of size one, for vectors of unit length. */
const decay = 1e-4;
/** The sample is judged in so many parts, each by a regression on the others. */
const parts = 3;

export const softmax: HeadFamily = { train: trainSoftmax, open: openLinear };

function trainSoftmax(problem: Problem): TrainedHead {
  const { classes, dimensions, examples, center, logPriors, sample, lift } = problem;
  if (classes.length < 2) return trainBlindly(problem);
  const vectors = centerSample(problem).map((vector) => vector.map((value) => value / unit));
  const { rows, intercepts } = regress(problem, vectors, [...vectors.keys()]);
  const left = crossFit(problem, vectors);
  const chosen = chooseTemperature(left);
  const temperature = chosen?.temperature ?? 1;
  const weights = new Float64Array(classes.length * dimensions);
  const biases = Float64Array.from(rows, (row, k) => {
    for (let i = 0; i < dimensions; i++) weights[k * dimensions + i] = (row[i] ?? 0) / unit / temperature;
    return ((intercepts[k] ?? 0) - dot(row, center) / unit) / temperature + (logPriors[k] ?? 0);
  });
  return {
    parameters: encodeLinear({ weights, biases, blend: blendOf(examples), lift, novelty: null }),
    regularization: decay,
    temperature,
    measurements: {
      sample: sample.length,
      ...(chosen && {
        crossFitLogLoss: chosen.logLoss,
        crossFitAccuracy: chosen.accuracy,
        ...measureSureness(problem, left, temperature),
      }),
    },
  };
}

/** Weights and intercept of each class, for vectors less the center. */
interface Regression {
  readonly rows: readonly Float64Array[];
  readonly intercepts: Float64Array;
}

/** On these examples of the sample, in their order. */
function regress(problem: Problem, vectors: readonly Float64Array[], learned: readonly number[]): Regression {
  const rows = problem.classes.map(() => new Float64Array(problem.center.length));
  const intercepts = new Float64Array(problem.classes.length);
  const balance = balanceOf(problem, learned);
  for (let pass = 0; pass < passes[problem.mode]; pass++) {
    const rate = learningRate / (1 + pass);
    for (const index of learned) {
      const vector = vectors[index] ?? problem.center;
      step(problem, rows, intercepts, vector, index, rate * (balance[index] ?? 0));
    }
  }
  return { rows, intercepts };
}

/** What regressions without a part say of it. */
function crossFit(problem: Problem, vectors: readonly Float64Array[]): LeftOut {
  const classes = problem.classes.length;
  const logits = new Float64Array(vectors.length * classes).fill(Number.NEGATIVE_INFINITY);
  const labels = problem.sampleLabels.slice();
  const partOf = divide(problem);
  for (let part = 0; part < parts; part++) {
    const learned = [...vectors.keys()].filter((index) => partOf[index] !== part);
    const known = new Set(learned.map((index) => problem.sampleLabels[index]));
    const { rows, intercepts } = regress(problem, vectors, learned);
    vectors.forEach((vector, index) => {
      if (partOf[index] !== part) return;
      if (!known.has(labels[index])) labels[index] = -1;
      rows.forEach((row, k) => {
        if (known.has(k)) logits[index * classes + k] = dot(row, vector) + (intercepts[k] ?? 0);
      });
    });
  }
  return { classes, logits, labels };
}

/** The part of each example: each class is dealt out in turn, and a group stays together. */
function divide({ sampleGroups, sampleLabels, classes }: Problem): Int32Array {
  const partOf = new Int32Array(sampleGroups.length);
  const dealt = new Int32Array(classes.length);
  for (const fold of findFolds(sampleGroups)) {
    const label = sampleLabels[fold[0] ?? 0] ?? 0;
    const turn = dealt[label] ?? 0;
    dealt[label] = turn + 1;
    for (const index of fold) partOf[index] = turn % parts;
  }
  return partOf;
}

/** Classes weigh alike, whatever their number; the mean weight is one. */
function balanceOf({ sampleLabels, classes }: Problem, learned: readonly number[]): Float64Array {
  const counts = new Float64Array(classes.length);
  for (const index of learned) counts[sampleLabels[index] ?? 0] = (counts[sampleLabels[index] ?? 0] ?? 0) + 1;
  const present = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return Float64Array.from(sampleLabels, (label) => learned.length / (present * (counts[label] ?? 1)));
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
