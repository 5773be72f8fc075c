/**
 * Fully connected layers on frozen vectors, trained by gradient descent: the last layers of a net whose convolutions are
 * frozen. The descent itself runs elsewhere (`TrainLayers`); this file prepares its training data, calibrates its outputs and
 * predicts.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Head, LabelledVector, TrainingSet, TrainOptions } from '../../api.ts';
import { measureConfidenceThresholds } from '../../calibration/confidence-thresholds.ts';
import { chooseTemperature, type HeldOutLogits } from '../../calibration/temperature.ts';
import { sampleLimit } from '../../training-set/bottom-k-sample.ts';
import { sampleKey } from '../../training-set/sample-key.ts';
import { openTrainingInput, type SetSnapshot } from '../../training-set/set-snapshot.ts';
import { arithmeticOf } from '../arithmetic.ts';
import { balancedClassWeights } from '../class-weights.ts';
import { applyLayers, type DenseLayer, encodeLayers, scaleOf } from '../dense-layers.ts';
import { digestHead, uniformShareOf } from '../linear-head.ts';
import { indexLabels, prepareProblem, type TrainingProblem } from '../training-problem.ts';

/** One example of this many is held out, to choose the temperature; members of a group together. */
const heldOutShare = 10;
/** Smaller classes use all their examples for training. */
const smallestHeldOutClass = 10;
const maximumHeldOut = 2_000;

/** Training data of the layers: minimise Σ weight · cross-entropy(label, layers(scale · vector)). */
export interface LayersTask {
  readonly mode: TrainOptions['mode'];
  readonly dimensions: number;
  readonly classes: number;
  /** Quantised unit vectors, in the order of their sample keys. */
  readonly vectors: readonly Int16Array[];
  /** Scales the mean square of an input to one. */
  readonly scale: number;
  /** Class index of each vector. */
  readonly labels: Int32Array;
  /** Weights of the vectors' losses: classes have equal totals; the mean is about one. */
  readonly weights: Float32Array;
}

/** Trains layers of the trainer's choice, the last with one output for each class. */
export type TrainLayers = (task: LayersTask) => Promise<readonly DenseLayer[]>;

/**
 * Trains a head of kind `mlp`, on `examples` (those of the set with the smallest sample keys, ascending; by default the set's
 * sample of 2,000). As reproducible as `trainLayers` is. Errors: head-not-ready for an empty set, sample-incomplete, and those
 * of `trainLayers`.
 */
export async function trainLayersHead(
  from: TrainingSet | SetSnapshot,
  { mode, prior }: Pick<TrainOptions, 'mode' | 'prior'>,
  trainLayers: TrainLayers,
  examples?: readonly LabelledVector[],
): Promise<Head> {
  const set = openTrainingInput(from);
  if (set.examples === 0) throw new HeadwaterError('head-not-ready', 'cannot train a head without examples');
  const problem = prepareProblem(set, { kind: 'mlp', mode, ...(prior !== undefined && { prior }) });
  const { learned, heldOut } = splitExamples(problem, examples ?? set.sample(sampleLimit));
  const { dimensions } = set;
  const layers = await trainLayers({ mode, dimensions, ...taskOf(problem, learned, dimensions) });
  const logits = evaluate(problem, layers, heldOut, scaleOf(dimensions));
  const chosen = problem.classes.length < 2 ? null : chooseTemperature(logits);
  const temperature = chosen?.temperature ?? 1;
  const uniformShare = uniformShareOf(problem.examples);
  const parameters = encodeLayers({ layers, temperature, uniformShare, logPriors: problem.logPriors });
  return {
    kind: 'mlp',
    mode,
    classes: problem.classes,
    dimensions,
    examples: set.examples,
    parameters,
    digest: digestHead('mlp', mode, problem.classes, parameters),
    setDigest: set.setDigest,
    arithmetic: arithmeticOf('mlp'),
    regularization: null,
    temperature,
    measurements: {
      sample: learned.length,
      heldOut: heldOut.length,
      ...(chosen && {
        heldOutLogLoss: chosen.logLoss,
        heldOutAccuracy: chosen.accuracy,
        ...measureConfidenceThresholds(problem, logits, temperature),
      }),
    },
  };
}

interface Split {
  readonly learned: readonly LabelledVector[];
  readonly heldOut: readonly LabelledVector[];
}

/** Splits by the first byte of the sample key, which members of a group share. */
function splitExamples({ classes, counts }: TrainingProblem, examples: readonly LabelledVector[]): Split {
  const sizes = new Map(classes.map((label, k) => [label, counts[k] ?? 0]));
  const learned: LabelledVector[] = [];
  const heldOut: LabelledVector[] = [];
  for (const example of examples) {
    const large = (sizes.get(example.label) ?? 0) >= smallestHeldOutClass;
    const chosen =
      large && heldOut.length < maximumHeldOut && (sampleKey(example)[0] ?? 0) % heldOutShare === 0;
    (chosen ? heldOut : learned).push(example);
  }
  return learned.length === 0 ? { learned: heldOut, heldOut: [] } : { learned, heldOut };
}

function taskOf({ classes }: TrainingProblem, learned: readonly LabelledVector[], dimensions: number) {
  const labels = indexLabels(classes, learned);
  return {
    classes: classes.length,
    vectors: learned.map(({ vector }) => vector),
    scale: scaleOf(dimensions),
    labels,
    weights: Float32Array.from(balancedClassWeights(labels, classes.length)),
  };
}

function evaluate(
  { classes }: TrainingProblem,
  layers: readonly DenseLayer[],
  heldOut: readonly LabelledVector[],
  scale: number,
): HeldOutLogits {
  const logits = new Float64Array(heldOut.length * classes.length);
  heldOut.forEach(({ vector }, index) => {
    logits.set(applyLayers(layers, vector, scale), index * classes.length);
  });
  return { classes: classes.length, logits, labels: indexLabels(classes, heldOut) };
}
