/**
 * Linear discriminant analysis with a shrunk within-class covariance (design section 4): accurate even with a handful of
 * labels, and a pure function of sums, so that it can be exact.
 */
import { measureConfidenceThresholds } from '../../calibration/confidence-thresholds.ts';
import { leaveOneOut } from '../../calibration/leave-one-out.ts';
import {
  type ChosenTemperature,
  chooseTemperature,
  type HeldOutLogits,
} from '../../calibration/temperature.ts';
import type { WhitenedSample } from '../../calibration/whitened-sample.ts';
import {
  fitMarginalDistance,
  leaveOneOutMarginalDistance,
  type MarginalDistance,
} from '../../novelty/marginal-distance.ts';
import { fitNovelty } from '../../novelty/novelty.ts';
import { CholeskyFactor } from '../../numerics/cholesky-factor.ts';
import { dot, squaredDistance } from '../../numerics/vector-arithmetic.ts';
import type { HeadFamily, TrainedHead } from '../head-family.ts';
import { encodeLinear, openLinear, uniformShareOf } from '../linear-head.ts';
import { trainDegenerate } from '../ncm/ncm.ts';
import {
  computeScatter,
  estimateShrinkage,
  type FormedScatter,
  formScatter,
  isFlat,
  type Scatter,
  sumsOfClasses,
} from '../scatter.ts';
import type { WeightPrior } from '../softmax/weight-prior.ts';
import { centerSample, type TrainingProblem } from '../training-problem.ts';
import {
  columnsFor,
  prepareWhitening,
  type Whitened,
  type Whitening,
  whitenByCholesky,
  whitenInPlace,
} from '../whitening.ts';

/** Values of ε that a settled head tries. */
const epsilonGrid = [0.001, 0.003, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];
const smallestEpsilon = 0.001;
const largestEpsilon = 0.9;
/** While a class has one example, the scatter of the others is weak evidence for its own. */
const smallestEpsilonWithSingles = 0.3;
/**
 * OAS finds the ε that comes closest to the covariance; separating classes needs more shrinkage, the more so the fewer examples
 * there are. Four times as much was close to the best ε on LeNet's vectors and on raw pixels, from 50 examples to 60,000.
 */
const shrinkageFactor = 4;
/**
 * An ε other than the initial estimate has to increase the log likelihood of the left-out sample by this many nats: with few
 * examples many ε are about equally likely, and the most likely one is mostly chance. On LeNet's vectors this gave 0.0016 more
 * accuracy with 100 labels, 0.0003 with 1,000.
 */
const leastGain = 2;
/** See `firstSolved`. */
const negligibleFrom = 1_000;

/** Settled: ε and T by leave-one-out. Provisional: ε by OAS, T by leave-one-out on fewer examples. */
export const lda: HeadFamily = {
  train: (_problem, _readExamples, discriminant) => discriminant(),
  open: openLinear,
};

export function trainDiscriminant(problem: TrainingProblem): TrainedHead {
  if (problem.counts.length < 2) return trainDegenerate(problem);
  const trained = problem.mode === 'provisional' ? trainProvisional(problem) : trainSettled(problem);
  return trained ?? trainDegenerate(problem);
}

function trainProvisional(problem: TrainingProblem): TrainedHead | null {
  const solved = solveAtOnce(problem);
  return solved && describe(problem, solved.choice, solved.choice.evaluated.means, null);
}

/**
 * A provisional head, and the same discriminant as the prior of a regression. The prior is valid until the kernel's next claim.
 * Null where there is nothing to choose by.
 */
export function trainWeightPrior(
  problem: TrainingProblem,
): { readonly discriminant: TrainedHead; readonly weightPrior: WeightPrior } | null {
  const solved = problem.counts.length < 2 ? null : solveAtOnce(problem);
  if (solved === null) return null;
  const { choice, scatter } = solved;
  const discriminant = describe(problem, choice, choice.evaluated.means, null);
  return { discriminant, weightPrior: weightPriorOf(problem, choice, scatter) };
}

/** Uses one factorization to score the sample and to solve for the class means. Null where there is nothing to choose by. */
function solveAtOnce(
  problem: TrainingProblem,
): { readonly choice: Choice; readonly scatter: FormedScatter } | null {
  const { kernel, statistics } = problem;
  const vectors = listVectors(problem);
  const columns = columnsFor(statistics.width, vectors.length);
  const scatter = formScatter(statistics, sumsOfClasses(statistics), columns);
  if (isFlat({ scatter: scatter.trace, total: scatter.total })) return null;
  const epsilon = guessEpsilon(problem, scatter);
  const choice = evaluate(problem, whitenInPlace(kernel, scatter, epsilon, vectors, firstSolved(problem)));
  return choice && { choice, scatter };
}

/** The prior for W_ε = A / n, where the scatter's memory now holds the factor of A. */
function weightPriorOf(
  problem: TrainingProblem,
  { evaluated, chosen }: Choice,
  scatter: FormedScatter,
): WeightPrior {
  const { kernel, examples, center } = problem;
  const { width } = scatter;
  const weights = new Float64Array(evaluated.means.length * width);
  evaluated.means.forEach(({ solved }, k) => {
    for (let i = 0; i < width; i++)
      weights[k * width + i] = ((solved[i] ?? 0) * examples) / chosen.temperature;
  });
  const intercepts = Float64Array.from(evaluated.means, ({ whitened }, k) => {
    return interceptOf(evaluated, k, whitened) / chosen.temperature;
  });
  const factor = new CholeskyFactor({ kernel, ...scatter }, 1 / Math.sqrt(examples));
  return { width, center, factor, weights, intercepts };
}

/** −½ (c_kᵀW_ε⁻¹c_k − tr(W_ε⁻¹W)/n_k) for the class mean c_k relative to the center. */
function interceptOf(
  { counts, examples, effectiveDimensions }: WhitenedSample,
  k: number,
  mean: Float64Array,
): number {
  return -0.5 * (examples * dot(mean, mean) - effectiveDimensions / (counts[k] ?? 1));
}

function trainSettled(problem: TrainingProblem): TrainedHead | null {
  const { kernel, statistics, means } = problem;
  const scatter = computeScatter(statistics, sumsOfClasses(statistics));
  if (isFlat({ scatter: scatter.trace, total: scatter.total })) return null;
  const choice = choose(problem, scatter);
  const whitened = choice && whitenByCholesky(kernel, scatter, choice.evaluated.epsilon, means);
  const marginalDistance = choice && fitMarginalDistance(scatter, choice.evaluated.epsilon, problem.center);
  return choice && whitened && describe(problem, choice, whitened.vectors, marginalDistance);
}

/** The sample, then the class means, relative to the center. */
function listVectors(problem: TrainingProblem): Float64Array[] {
  return [...centerSample(problem), ...problem.means.map((mean) => mean.slice())];
}

/**
 * For examples of the sample, A⁻¹x is needed only for the term that leaving the example out subtracts from tr(A⁻¹S), a share of
 * at most about one in the number of examples. With many examples it is ignored, which saves a third of the solve.
 */
function firstSolved({ examples, sample, sampleGroups }: TrainingProblem): number {
  const isNegligible = examples >= negligibleFrom && sampleGroups.every((group) => group === null);
  return isNegligible ? sample.length : 0;
}

interface Choice {
  /** The sample and the class means, at the chosen ε. */
  readonly evaluated: WhitenedSample;
  readonly chosen: ChosenTemperature;
  readonly heldOut: HeldOutLogits;
}

/** Null where there is nothing to choose by. */
function choose(problem: TrainingProblem, scatter: Scatter): Choice | null {
  const whiten = prepareWhitening(problem.kernel, scatter, listVectors(problem));
  const grid = epsilonGrid.filter((epsilon) => epsilon >= leastEpsilon(problem));
  const guess = guessEpsilon(problem, scatter);
  const start = grid.findLastIndex((epsilon) => epsilon <= guess);
  return descend(grid, Math.max(start, 0), (epsilon) => evaluate(problem, whiten(epsilon)));
}

function leastEpsilon({ counts }: TrainingProblem): number {
  return counts.includes(1) ? smallestEpsilonWithSingles : smallestEpsilon;
}

function guessEpsilon(problem: TrainingProblem, scatter: Scatter): number {
  const wanted = shrinkageFactor * estimateShrinkage(scatter);
  return Math.min(Math.max(wanted, leastEpsilon(problem)), largestEpsilon);
}

/** Goes from the start towards larger ε while the sample becomes more likely; where the first step fails, towards smaller ones. */
function descend(
  grid: readonly number[],
  start: number,
  tryEpsilon: (epsilon: number) => Choice | null,
): Choice | null {
  let best = tryEpsilon(grid[start] ?? largestEpsilon);
  for (const direction of [1, -1]) {
    const before = best;
    for (let index = start + direction; index >= 0 && index < grid.length; index += direction) {
      const choice = tryEpsilon(grid[index] ?? largestEpsilon);
      if (choice === null || (best !== null && logLikelihood(choice) < logLikelihood(best) + leastGain))
        break;
      best = choice;
    }
    if (best !== before) break;
  }
  return best;
}

/** Leave-one-out log likelihood of the sample. */
function logLikelihood({ chosen, heldOut }: Choice): number {
  return -chosen.logLoss * heldOut.labels.reduce((scored, label) => scored + (label < 0 ? 0 : 1), 0);
}

function evaluate(problem: TrainingProblem, whitening: Whitening | null): Choice | null {
  if (whitening === null) return null;
  const { sample, counts, examples } = problem;
  const { epsilon, ridge } = whitening;
  const vectors = whitening.vectors.slice(0, sample.length);
  const means = whitening.vectors.slice(sample.length);
  const effectiveDimensions =
    whitening.effectiveDimensions ?? estimateEffectiveDimensions(problem, vectors, means);
  const evaluated: WhitenedSample = {
    epsilon,
    ridge,
    effectiveDimensions,
    examples,
    counts,
    means,
    vectors,
    labels: problem.sampleLabels,
    groups: problem.sampleGroups,
  };
  const heldOut = leaveOneOut(evaluated);
  const chosen = chooseTemperature(heldOut);
  return chosen && { evaluated, chosen, heldOut };
}

/**
 * tr(W_ε⁻¹ W) = tr(A⁻¹ S) is the sum over all examples of |x − μ|² in whitened coordinates: n times the mean over the sample,
 * exact while every example is in it.
 */
function estimateEffectiveDimensions(
  { examples, sampleLabels }: TrainingProblem,
  vectors: readonly Whitened[],
  means: readonly Whitened[],
): number {
  let sum = 0;
  vectors.forEach(({ whitened }, index) => {
    const mean = means[sampleLabels[index] ?? 0]?.whitened ?? whitened;
    sum += squaredDistance(whitened, mean);
  });
  return (sum / vectors.length) * examples;
}

function leaveOneOutMarginalDistances(
  { examples, counts, means, sampleVectors, sampleLabels }: TrainingProblem,
  epsilon: number,
  marginalDistance: MarginalDistance | null,
): number[] {
  if (marginalDistance === null) return [];
  return sampleVectors.map((vector, index) => {
    const [label, own] = [sampleLabels[index] ?? 0, means[sampleLabels[index] ?? 0]];
    const count = counts[label] ?? 0;
    if (own === undefined || count < 2) return 0;
    return leaveOneOutMarginalDistance(marginalDistance, { epsilon, examples }, vector, own, count);
  });
}

/** logit_k = −½ d_k² / T + log π_k, without the terms common to all classes: wᵀx + b with w = W_ε⁻¹ (μ_k − center) / T. */
function describe(
  problem: TrainingProblem,
  choice: Choice,
  whitenedMeans: readonly Whitened[],
  marginalDistance: MarginalDistance | null,
): TrainedHead {
  const { dimensions, examples, means, center, logPriors, sample } = problem;
  const { chosen, evaluated } = choice;
  const { epsilon, effectiveDimensions } = evaluated;
  const { temperature } = chosen;
  const reference = fitNovelty(
    evaluated,
    marginalDistance,
    leaveOneOutMarginalDistances(problem, epsilon, marginalDistance),
  );
  const weights = new Float64Array(means.length * dimensions);
  const biases = new Float64Array(means.length);
  const offsets = new Float64Array(means.length);
  whitenedMeans.forEach(({ solved, whitened }, k) => {
    let shift = 0;
    for (let i = 0; i < dimensions; i++) {
      const weight = ((solved[i] ?? 0) * examples) / temperature;
      weights[k * dimensions + i] = weight;
      shift += weight * (center[i] ?? 0);
    }
    const own = interceptOf(evaluated, k, whitened) / temperature + (logPriors[k] ?? 0);
    biases[k] = own - shift;
    offsets[k] = -temperature * own;
  });
  return {
    parameters: encodeLinear({
      weights,
      biases,
      uniformShare: uniformShareOf(examples),
      lift: problem.lift,
      novelty: reference && { ...reference, scale: temperature, offsets },
    }),
    regularization: epsilon,
    temperature,
    measurements: {
      leaveOneOutLogLoss: chosen.logLoss,
      leaveOneOutAccuracy: chosen.accuracy,
      effectiveDimensions,
      sample: sample.length,
      ...measureConfidenceThresholds(problem, choice.heldOut, temperature),
    },
  };
}
