/**
 * Nearest class mean: the discriminant with a scatter shrunk completely to a multiple of the identity. It needs very few
 * examples, and replaces the other kinds on degenerate sets.
 */
import { measureConfidenceThresholds } from '../../calibration/confidence-thresholds.ts';
import { leaveOneOut } from '../../calibration/leave-one-out.ts';
import { chooseTemperature } from '../../calibration/temperature.ts';
import { unit } from '../../numerics/quantization.ts';
import { dot } from '../../numerics/vector-arithmetic.ts';
import type { HeadFamily, TrainedHead } from '../head-family.ts';
import { encodeLinear, openLinear, uniformShareOf } from '../linear-head.ts';
import { computeTrace, isFlat } from '../scatter.ts';
import { centerSample, type TrainingProblem } from '../training-problem.ts';
import type { Whitened } from '../whitening.ts';

/** Temperature of squared distances between unit vectors, where nothing is known of the scatter. */
const constantTemperature = 0.125;

export const ncm: HeadFamily = { train: trainNearestMeans, open: openLinear };

function trainNearestMeans(problem: TrainingProblem): TrainedHead {
  const { dimensions, examples, counts, means, sampleLabels, sampleGroups } = problem;
  const trace = computeTrace(problem.statistics);
  if (counts.length < 2 || isFlat(trace)) return trainDegenerate(problem);
  const ridge = trace.scatter / dimensions;
  const scale = 1 / Math.sqrt(ridge);
  const whiten = (vector: Float64Array): Whitened => {
    return { whitened: vector.map((x) => x * scale), solved: vector.map((x) => x / ridge) };
  };
  const heldOut = leaveOneOut({
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
  const chosen = chooseTemperature(heldOut);
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
      ...measureConfidenceThresholds(problem, heldOut, temperature),
    },
  };
}

/** For one class, one example, or no scatter: a head with low confidence, marked as degenerate in its measurements. */
export function trainDegenerate(problem: TrainingProblem): TrainedHead {
  return {
    parameters: encodeMeans(problem, 1 / (constantTemperature * unit * unit), 0),
    regularization: null,
    temperature: constantTemperature,
    measurements: { degenerate: 1, sample: problem.sample.length },
  };
}

/** logit_k = −½ (scale · |x − μ_k|² − correction / n_k) + log π_k, without the terms common to all classes. */
function encodeMeans(problem: TrainingProblem, scale: number, correction: number): Uint8Array {
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
