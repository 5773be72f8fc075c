/**
 * Chooses the regularization λ of a prior-centred regression by the log loss of held-out examples; the priors of these
 * regressions exclude the held-out examples too. (ε and T, two numbers, stay those of the whole set.)
 */
import { holdOut } from '../../calibration/held-out.ts';
import {
  type ChosenTemperature,
  chooseTemperature,
  type HeldOutLogits,
} from '../../calibration/temperature.ts';
import { balancedClassWeights } from '../class-weights.ts';
import type { TrainingProblem } from '../training-problem.ts';
import { PriorCentredRegression } from './prior-centred-regression.ts';
import {
  computeWeightPrior,
  type WeightPrior,
  type WeightPriorChoices,
  withoutExamples,
} from './weight-prior.ts';

/** From the strongest regularization to the weakest. */
const lambdaGrid = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003];
/** The largest λ is worth this many examples, the smallest one: beyond these the prior determines everything, or nothing. */
const closestHold = 200;
const loosestHold = 1;
/** A weaker regularization must reduce the loss to this share: differences among few examples are mostly chance. */
const worthwhile = 0.99;
/** The optimum is flat: further steps change the log loss of unseen examples by less than the choice of λ does. */
const maximumSteps = 5;
const tolerance = 3e-3;

/** Training examples of a regression, in the order of their sample keys. */
export interface LearnedExamples {
  readonly vectors: readonly Int16Array[];
  readonly labels: Int32Array;
  readonly groups: readonly (string | null)[];
}

interface RegularizationChoice {
  readonly lambda: number;
  /** Logits of the held-out examples with this λ. */
  readonly heldOut: HeldOutLogits;
  readonly chosen: ChosenTemperature;
  /** Solution of the last of these regressions. */
  readonly shift: Float64Array;
}

/** Null where nothing can be held out, or where no λ is better than the prior itself. */
export function chooseLambda(
  problem: TrainingProblem,
  choices: WeightPriorChoices,
  examples: LearnedExamples,
): RegularizationChoice | null {
  const trials = tryAll(problem, choices, examples);
  let best: RegularizationChoice | null = null;
  let bestLoss = Number.POSITIVE_INFINITY;
  for (const { lambda, heldOut, shift, evaluated } of trials) {
    const chosen = evaluated ?? chooseTemperature(heldOut);
    if (chosen === null || !(chosen.logLoss < worthwhile * bestLoss)) continue;
    bestLoss = chosen.logLoss;
    best = shift && { lambda, heldOut, chosen, shift };
  }
  return best;
}

/** Regresses from the prior, or from the solution of another regression. */
export function regress(
  { kernel, classes }: TrainingProblem,
  weightPrior: WeightPrior,
  { vectors, labels }: LearnedExamples,
): { readonly regression: PriorCentredRegression; descend(lambda: number, steps?: number): void } {
  const weights = normalize(balancedClassWeights(labels, classes.length));
  const regression = new PriorCentredRegression(kernel, weightPrior, { vectors, labels, weights });
  return {
    regression,
    descend: (lambda, steps = maximumSteps) => regression.descend(lambda, steps, tolerance),
  };
}

/** Held-out examples scored with one λ; an infinite one stands for the prior itself. */
interface Trial {
  readonly lambda: number;
  readonly heldOut: HeldOutLogits;
  shift: Float64Array | null;
  /** Set where it was needed before all folds were scored. */
  evaluated: ChosenTemperature | null;
}

function tryAll(problem: TrainingProblem, choices: WeightPriorChoices, examples: LearnedExamples): Trial[] {
  const classes = problem.classes.length;
  const folds = holdOut(examples.groups, examples.labels, classes);
  const labels = Int32Array.from(folds.flat(), (index) => examples.labels[index] ?? 0);
  const logits = () => new Float64Array(labels.length * classes);
  const lambdas = [Number.POSITIVE_INFINITY, ...lambdasFor(examples.labels.length)];
  const trials = lambdas.map((lambda): Trial => {
    return { lambda, heldOut: { classes, logits: logits(), labels }, shift: null, evaluated: null };
  });
  let first = 0;
  for (const members of folds) {
    const fold = leaveFoldOut(problem, choices, examples, members, first);
    if (fold === null) labels.fill(-1, first, first + members.length);
    else evaluateFold(problem, fold, trials, folds.length === 1);
    first += members.length;
  }
  return trials;
}

/** The λ that make sense with this many examples, from the strongest regularization to the weakest; at least one. */
export function lambdasFor(examples: number): number[] {
  return lambdaGrid.filter((lambda) => lambda * examples <= closestHold && lambda * examples >= loosestHold);
}

interface Fold {
  /** Number of examples before the fold's logits. */
  readonly first: number;
  readonly held: LearnedExamples;
  readonly learned: LearnedExamples;
  /** The prior without the held-out examples. */
  readonly weightPrior: WeightPrior;
}

/** Null where no training examples are left. */
function leaveFoldOut(
  { classes, statistics }: TrainingProblem,
  choices: WeightPriorChoices,
  examples: LearnedExamples,
  members: readonly number[],
  first: number,
): Fold | null {
  const held = pick(examples, members);
  const named = held.vectors.map((vector, i) => ({ vector, label: classes[held.labels[i] ?? 0] ?? '' }));
  const weightPrior = computeWeightPrior(withoutExamples(statistics, named), classes, choices);
  if (weightPrior === null) return null;
  const out = new Set(members);
  const others = [...examples.labels.keys()].filter((index) => !out.has(index));
  return { first, held, learned: pick(examples, others), weightPrior };
}

/** Writes the fold's logits into each trial in turn. With `mayStop`, trials end when the loss has risen. */
function evaluateFold(problem: TrainingProblem, fold: Fold, trials: Trial[], mayStop: boolean): void {
  const { first, held, learned, weightPrior } = fold;
  const { regression, descend } = regress(problem, weightPrior, learned);
  let before = Number.POSITIVE_INFINITY;
  for (const [turn, trial] of trials.entries()) {
    if (turn > 0) descend(trial.lambda);
    const { heldOut } = trial;
    heldOut.logits.set(regression.evaluate(held.vectors), first * heldOut.classes);
    held.labels.forEach((label, i) => {
      if (weightPrior.intercepts[label] === Number.NEGATIVE_INFINITY) heldOut.labels[first + i] = -1;
    });
    if (turn > 0) trial.shift = regression.shift;
    if (!mayStop) continue;
    trial.evaluated = chooseTemperature(heldOut);
    const loss = trial.evaluated?.logLoss ?? Number.POSITIVE_INFINITY;
    if (loss > before) trials.length = turn + 1;
    before = loss;
  }
}

function pick({ vectors, labels, groups }: LearnedExamples, indices: readonly number[]): LearnedExamples {
  return {
    vectors: indices.map((index) => vectors[index] ?? new Int16Array(0)),
    labels: Int32Array.from(indices, (index) => labels[index] ?? 0),
    groups: indices.map((index) => groups[index] ?? null),
  };
}

/** Scales the weights to a sum of one. */
function normalize(weights: Float64Array): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
