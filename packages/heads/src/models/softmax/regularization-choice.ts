/**
 * How closely a regression is held to its anchor: λ by the log loss of examples that were held out, of regressions whose anchor has not seen
 * them either. (ε and T, two numbers, stay those of the whole set.)
 */

import { holdOut } from '../../calibration/held-out.ts';
import {
  type ChosenTemperature,
  chooseTemperature,
  type HeldOutLogits,
} from '../../calibration/temperature.ts';
import { balancedClassWeights } from '../class-weights.ts';
import type { Problem } from '../training-problem.ts';
import { PriorCentredRegression } from './prior-centred-regression.ts';
import {
  computeWeightPrior,
  type WeightPrior,
  type WeightPriorChoices,
  withoutExamples,
} from './weight-prior.ts';

/** From the closest hold to the loosest. */
const lambdaGrid = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003];
/** λ from so many examples' worth to one's: beyond, everything is the anchor, or the anchor is nothing. */
const closestHold = 200;
const loosestHold = 1;
/** A looser hold must bring the loss down to this share: what is chosen among few examples is mostly chance. */
const worthwhile = 0.99;
/** The optimum is flat: steps beyond these change the log loss of what is new by less than the choice of λ does. */
const mostSteps = 5;
const tolerance = 3e-3;

/** What a regression learns from: in the order of the sample keys. */
export interface LearnedExamples {
  readonly vectors: readonly Int16Array[];
  readonly labels: Int32Array;
  readonly groups: readonly (string | null)[];
}

export interface RegularizationChoice {
  readonly lambda: number;
  /** What was held out, as judged with this λ. */
  readonly left: HeldOutLogits;
  readonly chosen: ChosenTemperature;
  /** Where the last of these regressions ended. */
  readonly shift: Float64Array;
}

/** Null where nothing can be held out, or where nothing is better than the anchor itself. */
export function chooseLambda(
  problem: Problem,
  choices: WeightPriorChoices,
  examples: LearnedExamples,
): RegularizationChoice | null {
  const trials = tryAll(problem, choices, examples);
  let best: RegularizationChoice | null = null;
  let bestLoss = Number.POSITIVE_INFINITY;
  for (const { lambda, left, shift, judged } of trials) {
    const chosen = judged ?? chooseTemperature(left);
    if (chosen === null || !(chosen.logLoss < worthwhile * bestLoss)) continue;
    bestLoss = chosen.logLoss;
    best = shift && { lambda, left, chosen, shift };
  }
  return best;
}

/** From the anchor, or where another regression ended, towards the examples. */
export function regress(
  { kernel, classes }: Problem,
  anchor: WeightPrior,
  { vectors, labels }: LearnedExamples,
): { readonly regression: PriorCentredRegression; descend(lambda: number, steps?: number): void } {
  const weights = normalize(balancedClassWeights(labels, classes.length));
  const regression = new PriorCentredRegression(kernel, anchor, { vectors, labels, weights });
  return { regression, descend: (lambda, steps = mostSteps) => regression.descend(lambda, steps, tolerance) };
}

/** What was held out, judged with one λ; an infinite one stands for the anchor itself. */
interface Trial {
  readonly lambda: number;
  readonly left: HeldOutLogits;
  shift: Float64Array | null;
  /** Where it was needed before all folds were judged. */
  judged: ChosenTemperature | null;
}

function tryAll(problem: Problem, choices: WeightPriorChoices, examples: LearnedExamples): Trial[] {
  const classes = problem.classes.length;
  const folds = holdOut(examples.groups, examples.labels, classes);
  const labels = Int32Array.from(folds.flat(), (index) => examples.labels[index] ?? 0);
  const logits = () => new Float64Array(labels.length * classes);
  const lambdas = [Number.POSITIVE_INFINITY, ...lambdasFor(examples.labels.length)];
  const trials = lambdas.map((lambda): Trial => {
    return { lambda, left: { classes, logits: logits(), labels }, shift: null, judged: null };
  });
  let first = 0;
  for (const members of folds) {
    const fold = leaveFoldOut(problem, choices, examples, members, first);
    if (fold === null) labels.fill(-1, first, first + members.length);
    else judgeFold(problem, fold, trials, folds.length === 1);
    first += members.length;
  }
  return trials;
}

/** From the closest hold to the loosest that make sense with so many examples, at least one. */
export function lambdasFor(examples: number): number[] {
  return lambdaGrid.filter((lambda) => lambda * examples <= closestHold && lambda * examples >= loosestHold);
}

interface Fold {
  /** Where its logits begin, in examples. */
  readonly first: number;
  readonly held: LearnedExamples;
  readonly learned: LearnedExamples;
  /** Of all but the examples that are held out. */
  readonly anchor: WeightPrior;
}

/** Null where nothing is left to learn from. */
function leaveFoldOut(
  { classes, statistics }: Problem,
  choices: WeightPriorChoices,
  examples: LearnedExamples,
  members: readonly number[],
  first: number,
): Fold | null {
  const held = pick(examples, members);
  const named = held.vectors.map((vector, i) => ({ vector, label: classes[held.labels[i] ?? 0] ?? '' }));
  const anchor = computeWeightPrior(withoutExamples(statistics, named), classes, choices);
  if (anchor === null) return null;
  const out = new Set(members);
  const others = [...examples.labels.keys()].filter((index) => !out.has(index));
  return { first, held, learned: pick(examples, others), anchor };
}

/** Writes a fold's logits into each trial, one after the other; where `mayStop`, trials end when the loss has risen. */
function judgeFold(problem: Problem, fold: Fold, trials: Trial[], mayStop: boolean): void {
  const { first, held, learned, anchor } = fold;
  const { regression, descend } = regress(problem, anchor, learned);
  let before = Number.POSITIVE_INFINITY;
  for (const [turn, trial] of trials.entries()) {
    if (turn > 0) descend(trial.lambda);
    const { left } = trial;
    left.logits.set(regression.judge(held.vectors), first * left.classes);
    held.labels.forEach((label, i) => {
      if (anchor.intercepts[label] === Number.NEGATIVE_INFINITY) left.labels[first + i] = -1;
    });
    if (turn > 0) trial.shift = regression.shift;
    if (!mayStop) continue;
    trial.judged = chooseTemperature(left);
    const loss = trial.judged?.logLoss ?? Number.POSITIVE_INFINITY;
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

/** Their sum is one. */
function normalize(weights: Float64Array): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
