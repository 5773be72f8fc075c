/**
 * Nearest class mean: what is left of the discriminant when the scatter is shrunk all the way to a multiple of the identity. It needs
 * hardly any examples, and answers for the other heads where they have nothing to work with.
 */

import { measureConfidenceThresholds } from '../../calibration/confidence-thresholds.ts';
import { leaveOneOut } from '../../calibration/leave-one-out.ts';
import { chooseTemperature } from '../../calibration/temperature.ts';
import { unit } from '../../numerics/quantization.ts';
import { dot } from '../../numerics/vector-arithmetic.ts';
import type { HeadFamily, TrainedHead } from '../head-family.ts';
import { encodeLinear, openLinear, uniformShareOf } from '../linear-head.ts';
import { computeTrace, isFlat } from '../scatter.ts';
import { centerSample, type Problem } from '../training-problem.ts';
import type { Whitened } from '../whitening.ts';

/** Of squared distances between unit vectors, where nothing is known of the scatter. */
const constantTemperature = 0.125;

export const ncm: HeadFamily = { train: trainNearestMeans, open: openLinear };

function trainNearestMeans(problem: Problem): TrainedHead {
  const { dimensions, examples, counts, means, sampleLabels, sampleGroups } = problem;
  const trace = computeTrace(problem.statistics);
  if (counts.length < 2 || isFlat(trace)) return trainDegenerate(problem);
  const ridge = trace.scatter / dimensions;
  const scale = 1 / Math.sqrt(ridge);
  const whiten = (vector: Float64Array): Whitened => {
    return { whitened: vector.map((x) => x * scale), solved: vector.map((x) => x / ridge) };
  };
  const left = leaveOneOut({
    epsilon: 1,
    ridge,
    effectiveDimensions: dimensions,
    examples,
    counts,
    means: means.map(whiten),
    vectors: centerSample(problem).map(whiten),
    labels: sampleLabels,
    groups: sampleGroups,
  });
  const chosen = chooseTemperature(left);
  if (chosen === null) return trainDegenerate(problem);
  const { temperature, logLoss, accuracy } = chosen;
  return {
    parameters: encodeMeans(problem, (examples / ridge) * (1 / temperature), dimensions / temperature),
    regularization: null,
    temperature,
    measurements: {
      leaveOneOutLogLoss: logLoss,
      leaveOneOutAccuracy: accuracy,
      sample: problem.sample.length,
      ...measureConfidenceThresholds(problem, left, temperature),
    },
  };
}

/** One class, one example, or no scatter: a temperature that promises little, and measurements that say so. */
export function trainDegenerate(problem: Problem): TrainedHead {
  return {
    parameters: encodeMeans(problem, 1 / (constantTemperature * unit * unit), 0),
    regularization: null,
    temperature: constantTemperature,
    measurements: { degenerate: 1, sample: problem.sample.length },
  };
}

/** logit_k = −½ (scale · |x − μ_k|² − correction / n_k) + log π_k, less what all classes share. */
function encodeMeans(problem: Problem, scale: number, correction: number): Uint8Array {
  const { dimensions, examples, means, counts, center, logPriors } = problem;
  const weights = new Float64Array(means.length * dimensions);
  const biases = Float64Array.from(means, (mean, k) => {
    for (let i = 0; i < dimensions; i++) weights[k * dimensions + i] = (mean[i] ?? 0) * scale;
    const squared = scale * dot(mean, mean) - correction / (counts[k] ?? 1);
    return -0.5 * squared - scale * dot(mean, center) + (logPriors[k] ?? 0);
  });
  return encodeLinear({
    weights,
    biases,
    uniformShare: uniformShareOf(examples),
    lift: problem.lift,
    novelty: null,
  });
}
