/**
 * Ridge regression onto the classes, from centred normal equations (design section 4): (G_c + λ I) B = S_c, where S_c holds n_k
 * (μ_k − mean). Where classes differ in shape it can be more accurate than the discriminant.
 */
import { measureConfidenceThresholds } from '../../calibration/confidence-thresholds.ts';
import { chooseTemperature, type HeldOutLogits } from '../../calibration/temperature.ts';
import { eliminate, substituteBack } from '../../kernel/elimination.ts';
import { fixedLog } from '../../numerics/fixed-math.ts';
import { dot } from '../../numerics/vector-arithmetic.ts';
import { findFolds } from '../../training-set/folds.ts';
import type { HeadFamily, TrainedHead } from '../head-family.ts';
import { encodeLinear, openLinear, uniformShareOf } from '../linear-head.ts';
import { trainDegenerate } from '../ncm/ncm.ts';
import {
  computeScatter,
  estimateShrinkage,
  formScatter,
  isFlat,
  type Scatter,
  sumOfAll,
} from '../scatter.ts';
import { centerSample, type TrainingProblem } from '../training-problem.ts';
import {
  columnsFor,
  prepareWhitening,
  type Whitened,
  type Whitening,
  whitenByCholesky,
  whitenInPlace,
} from '../whitening.ts';

/** λ = ε/(1 − ε) · tr(G_c)/D */
const epsilonGrid = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9];
const smallestEpsilon = 0.0001;
const largestEpsilon = 0.9;

/** Settled: λ by generalized cross-validation; provisional: by OAS. T by leave-one-out in both. */
export const ridge: HeadFamily = { train: trainRidge, open: openLinear };

function trainRidge(problem: TrainingProblem): TrainedHead {
  if (problem.counts.length < 2) return trainDegenerate(problem);
  const trained = problem.mode === 'provisional' ? trainProvisional(problem) : trainSettled(problem);
  return trained ?? trainDegenerate(problem);
}

/** Uses one factorization for everything. Null where, after rounding, the matrix is not positive definite. */
function trainProvisional(problem: TrainingProblem): TrainedHead | null {
  const { kernel, statistics, sample } = problem;
  const vectors = listVectors(problem);
  const columns = columnsFor(statistics.width, vectors.length);
  const scatter = formScatter(statistics, sumOfAll(statistics), columns);
  if (isFlat({ scatter: scatter.trace, total: scatter.total })) return null;
  const epsilon = Math.min(Math.max(estimateShrinkage(scatter), smallestEpsilon), largestEpsilon);
  const whitening = whitenInPlace(kernel, scatter, epsilon, vectors, sample.length);
  return whitening && describe(problem, whitening, whitening.vectors.slice(sample.length));
}

function trainSettled(problem: TrainingProblem): TrainedHead | null {
  const { kernel, statistics } = problem;
  const scatter = computeScatter(statistics, sumOfAll(statistics));
  if (isFlat({ scatter: scatter.trace, total: scatter.total })) return null;
  const tuned = crossValidate(problem, scatter);
  const targets = tuned && whitenByCholesky(kernel, scatter, tuned.epsilon, listTargets(problem));
  return tuned && targets && describe(problem, tuned, targets.vectors);
}

/** The sample, then n_k (μ_k − mean) for each class. */
function listVectors(problem: TrainingProblem): Float64Array[] {
  return [...centerSample(problem), ...listTargets(problem)];
}

function listTargets({ means, counts }: TrainingProblem): Float64Array[] {
  return means.map((mean, k) => mean.map((value) => value * (counts[k] ?? 0)));
}

function crossValidate(problem: TrainingProblem, scatter: Scatter): Whitening | null {
  const whiten = prepareWhitening(problem.kernel, scatter, listVectors(problem));
  let best: Whitening | null = null;
  let lowest = Number.POSITIVE_INFINITY;
  for (const epsilon of epsilonGrid) {
    const whitening = whiten(epsilon);
    const score = whitening === null ? Number.NaN : scoreByCrossValidation(problem, whitening);
    if (!(score < lowest)) continue;
    lowest = score;
    best = whitening;
  }
  return best;
}

/**
 * n · RSS / (n − tr H)² (Golub, Heath, Wahba: Generalized Cross-Validation, 1979). With B = (1 − ε) A⁻¹ S_c, RSS_k is n_k (1 −
 * n_k/n) − (1 − ε)(|c|² + ρ |A⁻¹ s|²) for s the k-th column of S_c, whitened c; tr H = 1 + (1 − ε) tr(A⁻¹ G_c).
 */
function scoreByCrossValidation({ examples, counts, sample }: TrainingProblem, whitening: Whitening): number {
  const { epsilon, ridge: rho, vectors, effectiveDimensions } = whitening;
  let residual = 0;
  vectors.slice(sample.length).forEach(({ whitened, solved }, k) => {
    const count = counts[k] ?? 0;
    residual += count * (1 - count / examples);
    residual -= (1 - epsilon) * (dot(whitened, whitened) + rho * dot(solved, solved));
  });
  const freedom = examples - 1 - (1 - epsilon) * (effectiveDimensions ?? 0);
  return (examples * residual) / (freedom * freedom);
}

/** logit_k = ŷ_k / T + log π_k − log(n_k / n): a regression includes the class frequencies, which the prior replaces. */
function describe(
  problem: TrainingProblem,
  tuned: Whitening,
  targets: readonly Whitened[],
): TrainedHead | null {
  const { dimensions, examples, counts, center, means, logPriors, sample } = problem;
  const { epsilon } = tuned;
  const offsets = counts.map((count) => -fixedLog(count / examples));
  const heldOut = leaveOneOutRegression(problem, tuned);
  const chosen = chooseTemperature(heldOut, offsets);
  if (chosen === null) return null;
  const { temperature, logLoss, accuracy } = chosen;
  const weights = new Float64Array(means.length * dimensions);
  const biases = Float64Array.from(targets, ({ solved }, k) => {
    let shift = 0;
    for (let i = 0; i < dimensions; i++) {
      const weight = ((1 - epsilon) * (solved[i] ?? 0)) / temperature;
      weights[k * dimensions + i] = weight;
      shift += weight * (center[i] ?? 0);
    }
    return (counts[k] ?? 0) / examples / temperature - shift + (offsets[k] ?? 0) + (logPriors[k] ?? 0);
  });
  return {
    parameters: encodeLinear({
      weights,
      biases,
      uniformShare: uniformShareOf(examples),
      lift: problem.lift,
      novelty: null,
    }),
    regularization: epsilon,
    temperature,
    measurements: {
      leaveOneOutLogLoss: logLoss,
      leaveOneOutAccuracy: accuracy,
      sample: sample.length,
      ...measureConfidenceThresholds(problem, heldOut, temperature, offsets),
    },
  };
}

/** The prediction for each example of a regression without its fold, with the same λ. */
export function leaveOneOutRegression(
  problem: Pick<TrainingProblem, 'examples' | 'counts' | 'sample' | 'sampleLabels' | 'sampleGroups'>,
  { epsilon, vectors }: Whitening,
): HeldOutLogits {
  const { examples, counts, sample, sampleLabels, sampleGroups } = problem;
  const targets = vectors.slice(sample.length).map(({ whitened }) => whitened);
  const logits = new Float64Array(sample.length * counts.length);
  const labels = sampleLabels.slice();
  for (const fold of findFolds(sampleGroups)) {
    const left = counts.slice();
    for (const example of fold)
      left[sampleLabels[example] ?? 0] = (left[sampleLabels[example] ?? 0] ?? 0) - 1;
    const members = fold.map((example) => vectors[example]?.whitened ?? new Float64Array());
    const residuals = members.map((x, i) => {
      return Float64Array.from(targets, (target, k) => {
        const fitted = (counts[k] ?? 0) / examples + (1 - epsilon) * dot(x, target);
        return (sampleLabels[fold[i] ?? 0] === k ? 1 : 0) - fitted;
      });
    });
    const spread = (a: Float64Array, b: Float64Array) => 1 / examples + (1 - epsilon) * dot(a, b);
    const leftOut = solveResiduals(members, residuals, spread);
    fold.forEach((example, i) => {
      const label = sampleLabels[example] ?? 0;
      if (leftOut === null || left[label] === 0) labels[example] = -1;
      for (let k = 0; k < counts.length; k++) {
        const said = (k === label ? 1 : 0) - (leftOut?.[i]?.[k] ?? 0);
        logits[example * counts.length + k] = left[k] === 0 ? Number.NEGATIVE_INFINITY : said;
      }
    });
  }
  return { classes: counts.length, logits, labels };
}

/**
 * (I − H_FF)⁻¹ times the residuals (Cook, Weisberg: Residuals and Influence in Regression, 1982, section 2.2); null where the
 * inverse does not exist.
 */
function solveResiduals(
  members: readonly Float64Array[],
  residuals: readonly Float64Array[],
  spread: (a: Float64Array, b: Float64Array) => number,
): Float64Array[] | null {
  const rows = Math.ceil(members.length / 4) * 4;
  const classes = residuals[0]?.length ?? 0;
  const columns = rows + Math.ceil(classes / 4) * 4;
  const matrix = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    matrix[i * columns + i] = 1;
    members.slice(i).forEach((other, j) => {
      const at = i * columns + i + j;
      matrix[at] = (matrix[at] ?? 0) - spread(members[i] ?? other, other);
    });
    matrix.set(residuals[i] ?? [], i * columns + rows);
  }
  if (!eliminate(matrix, rows, columns)) return null;
  substituteBack(matrix, rows, columns);
  return members.map((_, i) => matrix.slice(i * columns + rows, i * columns + rows + classes));
}
