/**
 * Multinomial logistic regression of all examples, centred on the linear discriminant (prior-centred-regression.ts). With few
 * examples it stays close to the discriminant; with many it learns differences that one common covariance cannot express.
 * Held-out examples determine the regularization. Where it gains nothing, or nothing can be held out, the head is the
 * discriminant itself.
 */
import { measureConfidenceThresholds } from '../../calibration/confidence-thresholds.ts';
import { sampleLimit } from '../../training-set/bottom-k-sample.ts';
import { maximumLearnedExamples } from '../example-budget.ts';
import type { HeadFamily, ReadExamples, TrainedHead } from '../head-family.ts';
import { trainWeightPrior } from '../lda/lda.ts';
import { decodeLinear, encodeLinear, type LinearScores, openLinear, uniformShareOf } from '../linear-head.ts';
import { trainDegenerate } from '../ncm/ncm.ts';
import { indexLabels, type TrainingProblem } from '../training-problem.ts';
import { chooseLambda, type LearnedExamples, lambdasFor, regress } from './regularization-choice.ts';
import { computeWeightPrior, type WeightPrior, type WeightPriorChoices } from './weight-prior.ts';

/**
 * Multiplications in one pass over the examples, about a second. With many classes or dimensions fewer examples are used, but
 * at least the sample.
 */
const maximumProducts = 2 ** 31;
const smallestWidth = 256;
/**
 * More steps do not pay off before all choices are made, while new labels wait for the head: on ten digits a second step
 * reduced a log loss of 0.05 by 0.001, the first one by 0.004.
 */
const provisionalSteps = 1;

export const softmax: HeadFamily = { train: trainSoftmax, open: openLinear };

function trainSoftmax(
  problem: TrainingProblem,
  readExamples: ReadExamples,
  discriminant: () => TrainedHead,
): TrainedHead {
  return problem.mode === 'provisional'
    ? trainProvisional(problem, readExamples)
    : trainSettled(problem, readExamples, discriminant());
}

/** Uses one factorization for the discriminant and for the regression that starts from it. */
function trainProvisional(problem: TrainingProblem, readExamples: ReadExamples): TrainedHead {
  const solved = trainWeightPrior(problem);
  if (solved === null) return trainDegenerate(problem);
  const { discriminant, weightPrior } = solved;
  return refined(discriminant, refineAtOnce(problem, weightPrior, discriminant, readExamples));
}

function trainSettled(
  problem: TrainingProblem,
  readExamples: ReadExamples,
  discriminant: TrainedHead,
): TrainedHead {
  const choices = choicesOf(discriminant);
  if (choices === null) return discriminant;
  return refined(discriminant, refineFully(problem, choices, discriminant, readExamples));
}

/** The discriminant itself, where the regression gained nothing. */
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

/** One step from the discriminant, with strong regularization. Keeps its temperature and its leave-one-out measurements. */
function refineAtOnce(
  problem: TrainingProblem,
  weightPrior: WeightPrior,
  discriminant: TrainedHead,
  readExamples: ReadExamples,
): TrainedHead | null {
  const examples = listExamples(problem, readExamples, sampleLimit);
  const [lambda] = lambdasFor(examples.labels.length);
  if (lambda === undefined) return null;
  const { regression, descend } = regress(problem, weightPrior, examples);
  descend(lambda, provisionalSteps);
  return {
    ...discriminant,
    parameters: encode(problem, regression.solution, 1, discriminant),
    regularization: lambda,
  };
}

/** Null where nothing can be held out, or nothing is gained. */
function refineFully(
  problem: TrainingProblem,
  choices: WeightPriorChoices,
  discriminant: TrainedHead,
  readExamples: ReadExamples,
): TrainedHead | null {
  const examples = listExamples(problem, readExamples, maximumExamplesOf(problem));
  const choice = chooseLambda(problem, choices, examples);
  const weightPrior = choice && computeWeightPrior(problem.statistics, problem.classes, choices);
  if (choice === null || weightPrior === null) return null;
  const { lambda, heldOut, chosen } = choice;
  const { temperature } = chosen;
  const { regression, descend } = regress(problem, weightPrior, examples);
  regression.startFrom(choice.shift);
  descend(lambda);
  return {
    parameters: encode(problem, regression.solution, temperature, discriminant),
    regularization: lambda,
    temperature,
    measurements: {
      sample: examples.labels.length,
      heldOut: heldOut.labels.length,
      heldOutLogLoss: chosen.logLoss,
      heldOutAccuracy: chosen.accuracy,
      ...measureConfidenceThresholds(problem, heldOut, temperature),
    },
  };
}

/** Null where there was nothing to choose by. */
function choicesOf({ regularization, temperature, measurements }: TrainedHead): WeightPriorChoices | null {
  const { effectiveDimensions } = measurements;
  if (regularization === null || effectiveDimensions === undefined) return null;
  return { shrinkage: regularization, temperature, effectiveDimensions };
}

function maximumExamplesOf({ classes, dimensions }: TrainingProblem): number {
  const byWork = maximumProducts / (Math.max(dimensions, smallestWidth) * classes.length);
  return Math.max(sampleLimit, Math.min(Math.floor(byWork), maximumLearnedExamples(dimensions)));
}

function listExamples(
  { classes }: TrainingProblem,
  readExamples: ReadExamples,
  most: number,
): LearnedExamples {
  const examples = readExamples(most);
  return {
    vectors: examples.map(({ vector }) => vector),
    labels: indexLabels(classes, examples),
    groups: examples.map(({ group }) => group),
  };
}

/** Encodes the head with the discriminant's scores, from which novelty is computed. */
function encode(
  { classes, dimensions, examples, logPriors, lift }: TrainingProblem,
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
