/**
 * Linear discriminant analysis with a shrunk within-class covariance (design section 4): accurate from a handful of labels on, and a
 * pure function of sums, so that it can be exact.
 */
import type { HeadMode, LabelledVector, TrainOptions } from './api.ts';
import { fixedLog } from './fixed-math.ts';
import type { Kernel } from './kernel.ts';
import type { ExactLabelledSet } from './labelled-set.ts';
import { leaveOneOut } from './leave-one-out.ts';
import type { LinearParameters } from './linear-head.ts';
import { unit } from './quantization.ts';
import { sampleLimit } from './sample-reserve.ts';
import { computeScatter, estimateShrinkage, type Scatter } from './scatter.ts';
import { type ChosenTemperature, chooseTemperature } from './temperature.ts';
import { dot, subtract } from './vector-arithmetic.ts';
import { prepareWhitening, type Whitened, type Whitening, whitenByCholesky } from './whitening.ts';

/** Most examples on which a provisional head chooses its temperature. */
const provisionalSample = 256;
/** What a settled head tries. */
const epsilonGrid = [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];
const smallestEpsilon = 0.001;
const largestEpsilon = 0.999;
/** While a class has one example, the others' scatter says little about its own. */
const smallestEpsilonWithSingles = 0.3;
/** A scatter below this share of tr G is rounding noise: all examples of each class are the same. */
const noScatter = 1e-9;
/** Of squared distances between unit vectors, where nothing is known of the scatter. */
const constantTemperature = 0.125;

export interface TrainedLda {
  readonly parameters: LinearParameters;
  /** Null where there was no scatter to shrink, and the nearest class mean decides. */
  readonly epsilon: number | null;
  readonly temperature: number;
  readonly measurements: Readonly<Record<string, number>>;
}

/** Settled: ε and T by leave-one-out. Provisional: ε by OAS, T by leave-one-out on fewer examples. */
export function trainLda(set: ExactLabelledSet, options: TrainOptions): TrainedLda {
  const problem = poseProblem(set, options);
  const chosen = choose(problem);
  return (chosen && solve(problem, chosen)) ?? trainNearestMeans(problem);
}

interface Problem {
  readonly kernel: Kernel;
  readonly mode: HeadMode;
  readonly scatter: Scatter;
  readonly counts: Float64Array;
  readonly center: Float64Array;
  /** Class means less the center, which changes no distance and keeps numbers small. */
  readonly means: readonly Float64Array[];
  readonly logPriors: Float64Array;
  readonly sample: readonly LabelledVector[];
  /** Class index of each example of the sample. */
  readonly sampleLabels: Int32Array;
}

function poseProblem(set: ExactLabelledSet, { mode, prior }: TrainOptions): Problem {
  const { statistics } = set;
  const { classes, examples } = statistics;
  const counts = Float64Array.from(classes, (label) => statistics.count(label));
  const center = computeCenter(
    classes.map((label) => statistics.sum(label)),
    examples,
    statistics.width,
  );
  const sample = set.sample(mode === 'settled' ? sampleLimit : provisionalSample);
  const index = new Map(classes.map((label, k) => [label, k]));
  return {
    kernel: statistics.kernel,
    mode,
    scatter: computeScatter(statistics),
    counts,
    center,
    means: classes.map((label, k) => {
      return statistics.sum(label).map((sum, i) => sum / (counts[k] ?? 1) - (center[i] ?? 0));
    }),
    logPriors: counts.map((count) => fixedLog(prior === 'empirical' ? count / examples : 1 / classes.length)),
    sample,
    sampleLabels: Int32Array.from(sample, ({ label }) => index.get(label) ?? 0),
  };
}

function computeCenter(sums: readonly Float64Array[], examples: number, width: number): Float64Array {
  const center = new Float64Array(width);
  for (const sum of sums) for (let i = 0; i < width; i++) center[i] = (center[i] ?? 0) + (sum[i] ?? 0);
  return center.map((value) => value / examples);
}

interface Choice {
  readonly epsilon: number;
  readonly effectiveDimensions: number;
  readonly chosen: ChosenTemperature;
}

/** Null where there is nothing to choose by. */
function choose(problem: Problem): Choice | null {
  const { kernel, mode, scatter, counts } = problem;
  if (counts.length < 2 || !(scatter.trace > noScatter * scatter.total)) return null;
  const smallest = counts.includes(1) ? smallestEpsilonWithSingles : smallestEpsilon;
  const vectors = [...centeredSample(problem), ...problem.means.map((mean) => mean.slice())];
  if (mode === 'provisional') {
    const epsilon = Math.min(Math.max(estimateShrinkage(scatter), smallest), largestEpsilon);
    return judge(problem, whitenByCholesky(kernel, scatter, epsilon, vectors));
  }
  const whiten = prepareWhitening(kernel, scatter, vectors);
  let best: Choice | null = null;
  for (const epsilon of epsilonGrid) {
    if (epsilon < smallest) continue;
    const choice = judge(problem, whiten(epsilon));
    if (choice !== null && (best === null || choice.chosen.logLoss < best.chosen.logLoss)) best = choice;
  }
  return best;
}

function centeredSample({ sample, scatter, center }: Problem): Float64Array[] {
  return sample.map(({ vector }) => {
    const centered = new Float64Array(scatter.width);
    for (let i = 0; i < vector.length; i++) centered[i] = (vector[i] ?? 0) - (center[i] ?? 0);
    return centered;
  });
}

function judge(problem: Problem, whitening: Whitening | null): Choice | null {
  if (whitening === null) return null;
  const { scatter, sample, sampleLabels, counts, logPriors } = problem;
  const { epsilon, ridge } = whitening;
  const vectors = whitening.vectors.slice(0, sample.length);
  const means = whitening.vectors.slice(sample.length);
  const effectiveDimensions =
    whitening.effectiveDimensions ?? estimateEffectiveDimensions(problem, vectors, means);
  const left = leaveOneOut({
    epsilon,
    ridge,
    effectiveDimensions,
    examples: scatter.examples,
    counts,
    means,
    vectors,
    labels: sampleLabels,
    groups: sample.map(({ group }) => group),
  });
  const chosen = chooseTemperature(left, logPriors);
  return chosen && { epsilon, effectiveDimensions, chosen };
}

/**
 * tr(W_ε⁻¹ W) = tr(A⁻¹ S) is the sum over all examples of |x − μ|² in whitened coordinates: n times the mean over the sample, exact while
 * every example is in it.
 */
function estimateEffectiveDimensions(
  { scatter, sampleLabels }: Problem,
  vectors: readonly Whitened[],
  means: readonly Whitened[],
): number {
  let sum = 0;
  vectors.forEach(({ whitened }, index) => {
    const mean = means[sampleLabels[index] ?? 0]?.whitened ?? whitened;
    const difference = subtract(whitened, mean, 1);
    sum += dot(difference, difference);
  });
  return (sum / vectors.length) * scatter.examples;
}

/** logit_k = −½ d_k² / T + log π_k, less what all classes share: wᵀx + b with w = W_ε⁻¹ (μ_k − center) / T. */
function solve(problem: Problem, { epsilon, effectiveDimensions, chosen }: Choice): TrainedLda | null {
  const { scatter, means, counts, center, logPriors, sample } = problem;
  const { dimensions, examples } = scatter;
  const { temperature } = chosen;
  const whitening = whitenByCholesky(problem.kernel, scatter, epsilon, means);
  if (whitening === null) return null;
  const weights = new Float64Array(means.length * dimensions);
  const biases = new Float64Array(means.length);
  whitening.vectors.forEach(({ solved, whitened }, k) => {
    let shift = 0;
    for (let i = 0; i < dimensions; i++) {
      const weight = ((solved[i] ?? 0) * examples) / temperature;
      weights[k * dimensions + i] = weight;
      shift += weight * (center[i] ?? 0);
    }
    const squared = examples * dot(whitened, whitened) - effectiveDimensions / (counts[k] ?? 1);
    biases[k] = (-0.5 * squared) / temperature - shift + (logPriors[k] ?? 0);
  });
  return {
    parameters: { weights, biases, blend: blendOf(examples) },
    epsilon,
    temperature,
    measurements: {
      leaveOneOutLogLoss: chosen.logLoss,
      leaveOneOutAccuracy: chosen.accuracy,
      effectiveDimensions,
      sample: sample.length,
    },
  };
}

/** The degenerate case: distances to the means themselves, and a temperature that promises little. */
function trainNearestMeans({ scatter, means, center, logPriors }: Problem): TrainedLda {
  const { dimensions, examples } = scatter;
  const weights = new Float64Array(means.length * dimensions);
  const biases = new Float64Array(means.length);
  const scale = constantTemperature * unit * unit;
  means.forEach((mean, k) => {
    let squared = 0;
    let shift = 0;
    for (let i = 0; i < dimensions; i++) {
      const value = mean[i] ?? 0;
      weights[k * dimensions + i] = value / scale;
      squared += value * value;
      shift += value * (center[i] ?? 0);
    }
    biases[k] = (-0.5 * squared - shift) / scale + (logPriors[k] ?? 0);
  });
  const parameters = { weights, biases, blend: blendOf(examples) };
  return { parameters, epsilon: null, temperature: constantTemperature, measurements: { degenerate: 1 } };
}

/** No head is surer than its number of examples allows: the rule of succession leaves 1/(n + 2) for what was never seen. */
function blendOf(examples: number): number {
  return 1 / (examples + 2);
}
