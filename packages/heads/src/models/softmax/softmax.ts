/**
 * Multinomial logistic regression of all examples, held to the linear discriminant (see anchored-regression.ts): with few examples it is
 * hardly anything else, with many it finds what one covariance for all classes cannot express. How closely it is held follows from examples
 * that were held out; where nothing is gained, or nothing can be held out, the discriminant itself is the head.
 */

import { measureConfidenceThresholds } from '../../calibration/confidence-thresholds.ts';
import { sampleLimit } from '../../training-set/bottom-k-sample.ts';
import { maximumLearnedExamples } from '../example-budget.ts';
import type { HeadFamily, ReadExamples, TrainedHead } from '../head-family.ts';
import { trainWeightPrior } from '../lda/lda.ts';
import { decodeLinear, encodeLinear, type LinearScores, openLinear, uniformShareOf } from '../linear-head.ts';
import { trainDegenerate } from '../ncm/ncm.ts';
import { indexLabels, type Problem } from '../training-problem.ts';
import { chooseLambda, type LearnedExamples, lambdasFor, regress } from './regularization-choice.ts';
import { computeWeightPrior, type WeightPrior, type WeightPriorChoices } from './weight-prior.ts';

/** Multiplications of one pass over the examples: about a second. With many classes or dimensions fewer examples are taken, but not under the sample. */
const mostProducts = 2 ** 31;
const smallestWidth = 256;
/**
 * More do not pay before all choices are made, and labels wait for each: on ten digits a second one took 0.001 from a log loss of 0.05, of
 * which the first had taken 0.004.
 */
const provisionalSteps = 1;

export const softmax: HeadFamily = { train: trainSoftmax, open: openLinear };

function trainSoftmax(
  problem: Problem,
  readExamples: ReadExamples,
  discriminant: () => TrainedHead,
): TrainedHead {
  return problem.mode === 'provisional'
    ? trainProvisional(problem, readExamples)
    : trainSettled(problem, readExamples, discriminant());
}

/** One factorization for the discriminant and for what leads away from it. */
function trainProvisional(problem: Problem, readExamples: ReadExamples): TrainedHead {
  const solved = trainWeightPrior(problem);
  if (solved === null) return trainDegenerate(problem);
  const { discriminant, anchor } = solved;
  return refined(discriminant, refineAtOnce(problem, anchor, discriminant, readExamples));
}

function trainSettled(problem: Problem, readExamples: ReadExamples, discriminant: TrainedHead): TrainedHead {
  const choices = choicesOf(discriminant);
  if (choices === null) return discriminant;
  return refined(discriminant, refineFully(problem, choices, discriminant, readExamples));
}

/** Where nothing was gained, the discriminant itself. */
function refined(discriminant: TrainedHead, head: TrainedHead | null): TrainedHead {
  const { parameters, regularization, temperature, measurements } = head ?? {
    ...discriminant,
    regularization: null,
  };
  const shrinkage = discriminant.regularization;
  return {
    parameters,
    regularization,
    temperature,
    measurements: shrinkage === null ? measurements : { ...measurements, shrinkage },
  };
}

/** A step from the discriminant, closely held. Its temperature, and what it measured by leaving examples out, are kept. */
function refineAtOnce(
  problem: Problem,
  anchor: WeightPrior,
  discriminant: TrainedHead,
  readExamples: ReadExamples,
): TrainedHead | null {
  const examples = listExamples(problem, readExamples, sampleLimit);
  const [lambda] = lambdasFor(examples.labels.length);
  if (lambda === undefined) return null;
  const { regression, descend } = regress(problem, anchor, examples);
  descend(lambda, provisionalSteps);
  return {
    ...discriminant,
    parameters: encode(problem, regression.solution, 1, discriminant),
    regularization: lambda,
  };
}

/** Null where nothing can be held out, or is gained. */
function refineFully(
  problem: Problem,
  choices: WeightPriorChoices,
  discriminant: TrainedHead,
  readExamples: ReadExamples,
): TrainedHead | null {
  const examples = listExamples(problem, readExamples, mostExamplesOf(problem));
  const choice = chooseLambda(problem, choices, examples);
  const anchor = choice && computeWeightPrior(problem.statistics, problem.classes, choices);
  if (choice === null || anchor === null) return null;
  const { lambda, left, chosen } = choice;
  const { temperature } = chosen;
  const { regression, descend } = regress(problem, anchor, examples);
  regression.startFrom(choice.shift);
  descend(lambda);
  return {
    parameters: encode(problem, regression.solution, temperature, discriminant),
    regularization: lambda,
    temperature,
    measurements: {
      sample: examples.labels.length,
      heldOut: left.labels.length,
      heldOutLogLoss: chosen.logLoss,
      heldOutAccuracy: chosen.accuracy,
      ...measureConfidenceThresholds(problem, left, temperature),
    },
  };
}

/** Null where there was nothing to choose by. */
function choicesOf({ regularization, temperature, measurements }: TrainedHead): WeightPriorChoices | null {
  const { effectiveDimensions } = measurements;
  if (regularization === null || effectiveDimensions === undefined) return null;
  return { shrinkage: regularization, temperature, effectiveDimensions };
}

function mostExamplesOf({ classes, dimensions }: Problem): number {
  const byWork = mostProducts / (Math.max(dimensions, smallestWidth) * classes.length);
  return Math.max(sampleLimit, Math.min(Math.floor(byWork), maximumLearnedExamples(dimensions)));
}

function listExamples({ classes }: Problem, readExamples: ReadExamples, most: number): LearnedExamples {
  const examples = readExamples(most);
  return {
    vectors: examples.map(({ vector }) => vector),
    labels: indexLabels(classes, examples),
    groups: examples.map(({ group }) => group),
  };
}

/** What is new is told as the discriminant tells it, whose scores go along. */
function encode(
  { classes, dimensions, examples, logPriors, lift }: Problem,
  solution: LinearScores,
  temperature: number,
  discriminant: TrainedHead,
): Uint8Array {
  const width = solution.weights.length / classes.length;
  const weights = new Float64Array(classes.length * dimensions);
  for (let at = 0; at < weights.length; at++) {
    const from = Math.floor(at / dimensions) * width + (at % dimensions);
    weights[at] = (solution.weights[from] ?? 0) / temperature;
  }
  const biases = solution.biases.map((value, k) => value / temperature + (logPriors[k] ?? 0));
  const { novelty, ...noveltyScores } = decodeLinear(discriminant.parameters, classes.length, dimensions);
  return encodeLinear({
    weights,
    biases,
    uniformShare: uniformShareOf(examples),
    lift,
    novelty,
    noveltyScores,
  });
}
