/**
 * Linear discriminant analysis with a shrunk within-class covariance (design section 4): accurate from a handful of labels on, and a
 * pure function of sums, so that it can be exact.
 */
import type { HeadMode, LabelledVector, TrainOptions } from './api.ts';
import { eliminate, substituteBack } from './elimination.ts';
import { fixedLog } from './fixed-math.ts';
import type { ExactLabelledSet } from './labelled-set.ts';
import { leaveOneOut, type WhitenedSample } from './leave-one-out.ts';
import type { LinearParameters } from './linear-head.ts';
import { unit } from './quantization.ts';
import { sampleLimit } from './sample-reserve.ts';
import { computeScatter, estimateShrinkage, type Scatter, shrink } from './scatter.ts';
import { type ChosenTemperature, chooseTemperature } from './temperature.ts';

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
  let best: Attempt | null = null;
  for (const epsilon of listEpsilons(problem)) {
    const attempt = tryEpsilon(problem, epsilon);
    if (attempt !== null && (best === null || attempt.chosen.logLoss < best.chosen.logLoss)) best = attempt;
  }
  return best === null ? trainNearestMeans(problem) : finish(problem, best);
}

interface Problem {
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

function listEpsilons({ mode, scatter, counts }: Problem): readonly number[] {
  if (counts.length < 2 || !(scatter.trace > noScatter * scatter.total)) return [];
  const smallest = counts.includes(1) ? smallestEpsilonWithSingles : smallestEpsilon;
  if (mode === 'settled') return epsilonGrid.filter((epsilon) => epsilon >= smallest);
  return [Math.min(Math.max(estimateShrinkage(scatter), smallest), largestEpsilon)];
}

interface Attempt {
  readonly epsilon: number;
  readonly chosen: ChosenTemperature;
  readonly effectiveDimensions: number;
  /** width × columns: U, then the whitened sample, then the whitened means. */
  readonly matrix: Float64Array;
  readonly columns: number;
}

/** Null where rounding leaves A without a factor, or no example can be scored. */
function tryEpsilon(problem: Problem, epsilon: number): Attempt | null {
  const { scatter, sample, means, counts, logPriors } = problem;
  const columns = scatter.width + sample.length + means.length;
  const matrix = shrink(scatter, epsilon, columns);
  writeColumns(problem, matrix, columns);
  if (!eliminate(matrix, scatter.width, columns)) return null;
  const column = (index: number) => readColumn(matrix, scatter.width, columns, scatter.width + index);
  const whitened = {
    epsilon,
    examples: scatter.examples,
    vectors: sample.map((_, index) => column(index)),
    labels: problem.sampleLabels,
    groups: sample.map(({ group }) => group),
    means: means.map((_, k) => column(sample.length + k)),
    counts,
  };
  const effectiveDimensions = estimateEffectiveDimensions(whitened);
  const chosen = chooseTemperature(leaveOneOut({ ...whitened, effectiveDimensions }), logPriors);
  return chosen && { epsilon, chosen, effectiveDimensions, matrix, columns };
}

function writeColumns(
  { scatter, sample, means, center }: Problem,
  matrix: Float64Array,
  columns: number,
): void {
  const { width, dimensions } = scatter;
  sample.forEach(({ vector }, index) => {
    for (let i = 0; i < dimensions; i++) {
      matrix[i * columns + width + index] = (vector[i] ?? 0) - (center[i] ?? 0);
    }
  });
  means.forEach((mean, k) => {
    for (let i = 0; i < dimensions; i++) matrix[i * columns + width + sample.length + k] = mean[i] ?? 0;
  });
}

function readColumn(matrix: Float64Array, rows: number, columns: number, column: number): Float64Array {
  const values = new Float64Array(rows);
  for (let i = 0; i < rows; i++) values[i] = matrix[i * columns + column] ?? 0;
  return values;
}

/**
 * tr(W_ε⁻¹ W) = tr(A⁻¹ S) is the sum over all examples of |x − μ|² in whitened coordinates: n times the mean over the sample, exact while
 * every example is in it. It can't exceed D / (1 − ε).
 */
function estimateEffectiveDimensions(whitened: Omit<WhitenedSample, 'effectiveDimensions'>): number {
  let sum = 0;
  whitened.vectors.forEach((vector, index) => {
    const mean = whitened.means[whitened.labels[index] ?? 0];
    for (let i = 0; i < vector.length; i++) {
      const difference = (vector[i] ?? 0) - (mean?.[i] ?? 0);
      sum += difference * difference;
    }
  });
  return (sum / whitened.vectors.length) * whitened.examples;
}

/** logit_k = −½ d_k² / T + log π_k, less what all classes share: wᵀx + b with w = W_ε⁻¹ (μ_k − center) / T. */
function finish(
  problem: Problem,
  { epsilon, chosen, effectiveDimensions, matrix, columns }: Attempt,
): TrainedLda {
  const { scatter, means, counts, center, logPriors, sample } = problem;
  const { width, dimensions, examples } = scatter;
  const { temperature } = chosen;
  const weights = new Float64Array(means.length * dimensions);
  const biases = new Float64Array(means.length);
  means.forEach((mean, k) => {
    const solution = substituteBack(matrix, width, columns, width + sample.length + k);
    let squared = 0;
    let shift = 0;
    for (let i = 0; i < dimensions; i++) {
      const weight = (solution[i] ?? 0) * examples;
      weights[k * dimensions + i] = weight / temperature;
      squared += weight * (mean[i] ?? 0);
      shift += weight * (center[i] ?? 0);
    }
    const corrected = squared - effectiveDimensions / (counts[k] ?? 1);
    biases[k] = (-0.5 * corrected - shift) / temperature + (logPriors[k] ?? 0);
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
