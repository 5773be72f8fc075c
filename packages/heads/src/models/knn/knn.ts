/**
 * Nearest neighbours: the closest labelled examples of the sample vote. Slower than a linear head, and limited to the sample,
 * but it makes no assumption on the shape of classes, and its neighbours explain any prediction.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Classifier, HeadPrediction } from '../../api.ts';
import { measureConfidenceThresholds } from '../../calibration/confidence-thresholds.ts';
import { chooseTemperature, type HeldOutLogits } from '../../calibration/temperature.ts';
import { ByteReader, ByteWriter } from '../../numerics/byte-writer.ts';
import { fixedExp, fixedLog } from '../../numerics/fixed-math.ts';
import { unit } from '../../numerics/quantization.ts';
import type { HeadFamily, StoredHead, TrainedHead } from '../head-family.ts';
import { indexOfLargest, uniformShareOf } from '../linear-head.ts';
import type { TrainingProblem } from '../training-problem.ts';

const formatName = 'headwater-neighbours';
const formatVersion = 1;
/** Number of examples that vote. */
const neighbours = 15;
/** Number of examples of the sample that are scored by the others, to choose the temperature. */
const evaluatedLimit = 500;
/** Share of a vote that each class has beforehand: an absent class is unlikely, not impossible. */
const smoothing = 0.1;
const constantTemperature = 1;

export const knn: HeadFamily = { train: trainNeighbours, open: openNeighbours };

/** The vectors of the sample, and the initial votes of each class. */
interface Neighbours {
  readonly vectors: readonly Int16Array[];
  /** Class index of each. */
  readonly labels: Int32Array;
  /** Number of examples of each class in the sample, so that large classes do not win by number alone. */
  readonly counts: Float64Array;
}

function trainNeighbours(problem: TrainingProblem): TrainedHead {
  const { sample, sampleLabels, classes, examples, logPriors } = problem;
  const known: Neighbours = {
    vectors: sample.map(({ vector }) => vector),
    labels: sampleLabels,
    counts: countLabels(sampleLabels, classes.length),
  };
  const heldOut = leaveVotesOut(problem, known);
  const chosen = classes.length < 2 ? null : chooseTemperature(heldOut);
  const temperature = chosen?.temperature ?? constantTemperature;
  const writer = new ByteWriter();
  writer.text(formatName);
  writer.uint32(formatVersion);
  writer.numbers(Float64Array.of(uniformShareOf(examples), temperature));
  writer.numbers(logPriors);
  writer.uint32(sample.length);
  sample.forEach(({ vector }, index) => {
    writer.uint32(sampleLabels[index] ?? 0);
    writer.numbers(vector);
  });
  return {
    parameters: writer.finish(),
    regularization: null,
    temperature,
    measurements:
      chosen === null
        ? { degenerate: 1, sample: sample.length }
        : {
            leaveOneOutLogLoss: chosen.logLoss,
            leaveOneOutAccuracy: chosen.accuracy,
            sample: sample.length,
            ...measureConfidenceThresholds(problem, heldOut, temperature),
          },
  };
}

/** Errors: head-invalid. */
function openNeighbours({ kind, classes, dimensions, parameters }: StoredHead): Classifier {
  const reader = new ByteReader(parameters, 'head-invalid');
  if (reader.text() !== formatName || reader.uint32() !== formatVersion) invalid();
  const [uniformShare = 0, temperature = 1] = reader.float64s();
  const logPriors = reader.float64s();
  const labels: number[] = [];
  const vectors: Int16Array[] = [];
  for (let left = reader.uint32(); left > 0; left--) {
    labels.push(reader.uint32());
    vectors.push(reader.int16s());
  }
  reader.end();
  if (logPriors.length !== classes.length || vectors.some(({ length }) => length !== dimensions)) invalid();
  const known = { vectors, labels: Int32Array.from(labels), counts: countLabels(labels, classes.length) };
  return {
    kind,
    classes,
    dimensions,
    predict(vector): HeadPrediction {
      if (vector.length !== dimensions) {
        const message = `vector has ${vector.length} dimensions, the head ${dimensions}`;
        throw new HeadwaterError('vector-wrong-dimensions', message);
      }
      const votes = vote(known, vector, () => true);
      const logits = votes.map((logit, k) => logit / temperature + (logPriors[k] ?? 0));
      const probabilities = normalize(logits, uniformShare);
      return { label: classes[indexOfLargest(probabilities)] ?? '', probabilities, novelty: null };
    },
  };
}

/**
 * Logarithms of the smoothed votes of the nearest neighbours, each worth 1 / the number of its class. Ties go to the smaller
 * sample key.
 */
function vote(known: Neighbours, vector: Int16Array, mayVote: (index: number) => boolean): Float64Array {
  const nearest: { readonly index: number; readonly distance: number }[] = [];
  known.vectors.forEach((other, index) => {
    const last = nearest.at(-1);
    if (!mayVote(index)) return;
    const distance = squaredDistance(vector, other);
    if (nearest.length === neighbours && last !== undefined && distance >= last.distance) return;
    const at = nearest.findIndex((each) => each.distance > distance);
    nearest.splice(at < 0 ? nearest.length : at, 0, { index, distance });
    if (nearest.length > neighbours) nearest.length = neighbours;
  });
  const votes = known.counts.map((count) => (count > 0 ? smoothing / neighbours : 0));
  let largest = 0;
  for (const count of known.counts) if (count > largest) largest = count;
  for (const { index, distance } of nearest) {
    const label = known.labels[index] ?? 0;
    const closeness = 1 / (1 + (16 * distance) / (unit * unit));
    votes[label] = (votes[label] ?? 0) + closeness * Math.sqrt(largest / (known.counts[label] ?? 1));
  }
  return votes.map((value) => (value > 0 ? fixedLog(value) : Number.NEGATIVE_INFINITY));
}

function leaveVotesOut(
  { sampleGroups, sampleLabels, classes }: TrainingProblem,
  known: Neighbours,
): HeldOutLogits {
  const evaluated = Math.min(known.vectors.length, evaluatedLimit);
  const logits = new Float64Array(evaluated * classes.length);
  const labels = sampleLabels.slice(0, evaluated);
  for (let index = 0; index < evaluated; index++) {
    const group = sampleGroups[index] ?? null;
    const isOther = (other: number) => other !== index && (group === null || sampleGroups[other] !== group);
    const left = known.counts.map(() => 0);
    known.labels.forEach((label, other) => {
      if (isOther(other)) left[label] = (left[label] ?? 0) + 1;
    });
    if (left[labels[index] ?? 0] === 0) labels[index] = -1;
    const votes = vote({ ...known, counts: left }, known.vectors[index] ?? new Int16Array(), isOther);
    logits.set(votes, index * classes.length);
  }
  return { classes: classes.length, logits, labels };
}

/** An integer of at most D · 2^28, and therefore exact. */
function squaredDistance(a: Int16Array, b: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    sum += difference * difference;
  }
  return sum;
}

function countLabels(labels: Iterable<number>, classes: number): Float64Array {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

function normalize(logits: Float64Array, uniformShare: number): Float64Array {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > highest) highest = logit;
  const weights = logits.map((logit) => fixedExp(logit - highest));
  let sum = 0;
  for (const weight of weights) sum += weight;
  return weights.map((weight) => ((1 - uniformShare) * weight) / sum + uniformShare / logits.length);
}

function invalid(): never {
  throw new HeadwaterError(
    'head-invalid',
    'parameters of the stored head cannot be read; train the head again',
  );
}
