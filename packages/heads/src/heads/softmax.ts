/**
 * Multinomial logistic regression of all examples, held to the linear discriminant (see anchored-regression.ts): with few examples it is
 * hardly anything else, with many it finds what one covariance for all classes cannot express. How closely it is held follows from examples
 * that were held out; where nothing is gained, or nothing can be held out, the discriminant itself is the head.
 */
import { type AnchorChoices, computeAnchor } from '../anchor.ts';
import type { HeadFamily, ReadExamples, TrainedHead } from '../head-family.ts';
import { blendOf, encodeLinear, openLinear } from '../linear-head.ts';
import type { Problem } from '../problem.ts';
import {
  chooseRegression,
  type LearnedExamples,
  type RegressionChoice,
  regress,
} from '../regression-choice.ts';
import { sampleLimit } from '../sample-reserve.ts';
import { measureSureness } from '../sure-enough.ts';
import { lda } from './lda.ts';

/** Never more than this many examples: their logits are kept. */
const mostExamples = 65_536;
/** Of the vectors, in bytes. */
const memory = 2 ** 27;
/** Multiplications of one pass over the examples: about a second. With many classes or dimensions fewer examples are taken, but not under the sample. */
const mostProducts = 2 ** 31;
const smallestWidth = 256;

export const softmax: HeadFamily = { train: trainSoftmax, open: openLinear };

function trainSoftmax(problem: Problem, readExamples: ReadExamples): TrainedHead {
  const discriminant = lda.train(problem, readExamples);
  const choices = choicesOf(discriminant);
  if (choices === null || problem.mode === 'provisional') return discriminant;
  const examples = listExamples(problem, readExamples);
  const choice = chooseRegression(problem, choices, examples);
  const anchor = choice && computeAnchor(problem.statistics, problem.classes, choices);
  if (choice === null || anchor === null) return discriminant;
  const { regression, descend } = regress(problem, anchor, examples);
  regression.startFrom(choice.shift);
  descend(choice.lambda);
  return describe(problem, regression.solution, choice, examples.labels.length);
}

/** Null where there was nothing to choose by. */
function choicesOf({ regularization, temperature, measurements }: TrainedHead): AnchorChoices | null {
  const { effectiveDimensions } = measurements;
  if (regularization === null || effectiveDimensions === undefined) return null;
  return { shrinkage: regularization, temperature, effectiveDimensions };
}

function listExamples({ classes, dimensions }: Problem, readExamples: ReadExamples): LearnedExamples {
  const byWork = mostProducts / (Math.max(dimensions, smallestWidth) * classes.length);
  const byMemory = memory / (2 * dimensions);
  const most = Math.max(sampleLimit, Math.floor(Math.min(mostExamples, byWork, byMemory)));
  const examples = readExamples(most);
  const index = new Map(classes.map((label, k) => [label, k]));
  return {
    vectors: examples.map(({ vector }) => vector),
    labels: Int32Array.from(examples, ({ label }) => index.get(label) ?? 0),
    groups: examples.map(({ group }) => group),
  };
}

/** The weights and intercepts at the temperature that what was held out asks for. */
function describe(
  problem: Problem,
  solution: { readonly weights: Float64Array; readonly intercepts: Float64Array },
  { lambda, left, chosen }: RegressionChoice,
  learned: number,
): TrainedHead {
  const { dimensions, examples, logPriors, lift, classes } = problem;
  const { temperature } = chosen;
  const width = solution.weights.length / classes.length;
  const weights = new Float64Array(classes.length * dimensions);
  for (let at = 0; at < weights.length; at++) {
    const from = Math.floor(at / dimensions) * width + (at % dimensions);
    weights[at] = (solution.weights[from] ?? 0) / temperature;
  }
  const biases = solution.intercepts.map((value, k) => value / temperature + (logPriors[k] ?? 0));
  return {
    parameters: encodeLinear({ weights, biases, blend: blendOf(examples), lift, novelty: null }),
    regularization: lambda,
    temperature,
    measurements: {
      sample: learned,
      heldOut: left.labels.length,
      heldOutLogLoss: chosen.logLoss,
      heldOutAccuracy: chosen.accuracy,
      ...measureSureness(problem, left, temperature),
    },
  };
}
