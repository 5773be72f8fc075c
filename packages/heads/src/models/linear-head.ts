/**
 * Every linear head consists of one weight vector and one bias for each class: these are published, and a prediction needs
 * nothing else.
 */
import { createHash } from 'node:crypto';
import { HeadwaterError } from '@headwater/errors';
import type { Classifier, HeadKind, HeadMode, HeadPrediction } from '../api.ts';
import { chooseKernel } from '../kernel/kernel.ts';
import type { MarginalDistance } from '../novelty/marginal-distance.ts';
import { measureNovelty, type NoveltyParameters } from '../novelty/novelty.ts';
import { ByteReader, ByteWriter } from '../numerics/byte-writer.ts';
import { openFeatureExpansion } from '../training-set/random-feature-expansion.ts';
import type { StoredHead } from './head-family.ts';

const formatName = 'headwater-linear';
const formatVersion = 1;

/** p = (1 − uniformShare) · softmax(W x + b) + uniformShare / classes, with x in the units of quantised vectors. */
interface LinearParameters {
  /** Classes × dimensions, one class after the other. */
  readonly weights: Float64Array;
  readonly biases: Float64Array;
  /** Weight of the uniform distribution in the mixture, in [0, 1]: caps the confidence where there are few examples. */
  readonly uniformShare: number;
  /** Dimensions of the integer random feature expansion (random-feature-expansion.ts) that is applied to x; null for none. */
  readonly lift: number | null;
  /** Null where the head cannot measure novelty. */
  readonly novelty: NoveltyParameters | null;
  /** The scores that novelty is computed from, where these are not the head's own logits. */
  readonly noveltyScores?: LinearScores | null;
}

/** W x + b; weights are classes × dimensions. */
export type LinearScores = Pick<LinearParameters, 'weights' | 'biases'>;

export function encodeLinear(parameters: LinearParameters): Uint8Array {
  const writer = new ByteWriter();
  writer.text(formatName);
  writer.uint32(formatVersion);
  writer.uint32(parameters.lift ?? 0);
  writer.numbers(Float64Array.of(parameters.uniformShare));
  writer.numbers(parameters.biases);
  writer.numbers(parameters.weights);
  const { novelty, noveltyScores = null } = parameters;
  writer.uint32(noveltyForm(novelty, noveltyScores));
  if (novelty !== null) {
    writer.numbers(Float64Array.of(novelty.scale));
    for (const numbers of [novelty.offsets, novelty.squares, novelty.background, novelty.quantiles]) {
      writer.numbers(numbers);
    }
    if (novelty.marginalDistance !== null) encodeMarginalDistance(writer, novelty.marginalDistance);
    if (noveltyScores !== null) {
      writer.numbers(noveltyScores.biases);
      writer.numbers(noveltyScores.weights);
    }
  }
  return writer.finish();
}

/** Stored form of novelty: none, without marginal distance, or with it; plus two with separate scores. */
function noveltyForm(novelty: NoveltyParameters | null, scores: LinearScores | null): number {
  if (novelty === null) return 0;
  return (novelty.marginalDistance === null ? 1 : 2) + (scores === null ? 0 : 2);
}

function encodeMarginalDistance(
  writer: ByteWriter,
  { scale, center, basis, within }: MarginalDistance,
): void {
  writer.numbers(Float64Array.of(scale));
  writer.numbers(center);
  writer.numbers(basis);
  writer.numbers(within);
}

/** Errors: head-invalid. */
export function decodeLinear(bytes: Uint8Array, classes: number, dimensions: number): LinearParameters {
  const reader = new ByteReader(bytes, 'head-invalid');
  if (reader.text() !== formatName || reader.uint32() !== formatVersion) invalid();
  const lift = reader.uint32() || null;
  const uniformShare = reader.float64s()[0] ?? 0;
  const biases = reader.float64s();
  const weights = reader.float64s();
  const form = reader.uint32();
  if (form > 4) invalid();
  const width = lift ?? dimensions;
  const novelty = form === 0 ? null : decodeNovelty(reader, classes, form === 2 || form === 4 ? width : null);
  const noveltyScores = form > 2 ? { biases: reader.float64s(), weights: reader.float64s() } : null;
  reader.end();
  for (const scores of [{ biases, weights }, noveltyScores ?? { biases, weights }]) {
    if (scores.biases.length !== classes || scores.weights.length !== classes * width) invalid();
  }
  return { weights, biases, uniformShare, lift, novelty, noveltyScores };
}

/** `remoteOf`: dimensions of the marginal distance that follows; null where there is none. */
function decodeNovelty(reader: ByteReader, classes: number, remoteOf: number | null): NoveltyParameters {
  const scale = reader.float64s()[0] ?? 1;
  const [offsets, squares, background, quantiles] = [
    reader.float64s(),
    reader.float64s(),
    reader.float64s(),
    reader.float64s(),
  ];
  const lengths = [offsets.length, squares.length, background.length];
  if (lengths.join() !== [classes, classes, classes * classes].join() || quantiles.length < 2) invalid();
  const marginalDistance = remoteOf === null ? null : decodeMarginalDistance(reader, remoteOf);
  return { scale, offsets, squares, background, quantiles, marginalDistance };
}

function decodeMarginalDistance(reader: ByteReader, dimensions: number): MarginalDistance {
  const scale = reader.float64s()[0] ?? 0;
  const [center, basis, within] = [reader.float64s(), reader.int16s(), reader.float64s()];
  const directions = basis.length / dimensions;
  if (center.length !== dimensions || within.length !== directions ** 2) invalid();
  return { scale, center, basis, within };
}

/** Caps the confidence by the number of examples: the rule of succession leaves 1/(n + 2) to unseen outcomes. */
export function uniformShareOf(examples: number): number {
  return 1 / (examples + 2);
}

/** SHA-256 over kind, mode, classes and parameters, each with its length before it; hex. */
export function digestHead(
  kind: HeadKind,
  mode: HeadMode,
  classes: readonly string[],
  parameters: Uint8Array,
): string {
  const writer = new ByteWriter();
  for (const text of ['headwater-head.v1', kind, mode]) writer.text(text);
  writer.uint32(classes.length);
  for (const label of classes) writer.text(label);
  writer.uint32(parameters.length);
  return createHash('sha256').update(writer.finish()).update(parameters).digest('hex');
}

/** Errors: head-invalid. */
export function openLinear({ kind, classes, dimensions, parameters: bytes }: StoredHead): Classifier {
  const parameters = decodeLinear(bytes, classes.length, dimensions);
  const lift =
    parameters.lift === null ? null : openFeatureExpansion(chooseKernel(), dimensions, parameters.lift);
  return {
    kind,
    classes,
    dimensions,
    predict(vector): HeadPrediction {
      if (vector.length !== dimensions) {
        throw new HeadwaterError(
          'vector-wrong-dimensions',
          `vector has ${vector.length} dimensions, the head ${dimensions}`,
        );
      }
      const expanded = lift?.apply(vector) ?? vector;
      const logits = computeLogits(parameters, expanded);
      const { novelty: known, noveltyScores } = parameters;
      const scores = known && noveltyScores ? computeLogits(noveltyScores, expanded) : logits;
      const novelty = known && measureNovelty(known, scores, expanded);
      const probabilities = toProbabilities(logits, parameters.uniformShare);
      return { label: classes[indexOfLargest(probabilities)] ?? '', probabilities, novelty };
    },
  };
}

function computeLogits({ weights, biases }: LinearScores, vector: Int16Array): Float64Array {
  const { length } = vector;
  return biases.map((bias, k) => {
    let sum = bias;
    const start = k * length;
    for (let i = 0; i < length; i++) sum += (weights[start + i] ?? 0) * (vector[i] ?? 0);
    return sum;
  });
}

/** Softmax, mixed with the uniform distribution. Works in place. */
export function toProbabilities(logits: Float64Array, uniformShare: number): Float64Array {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > highest) highest = logit;
  let sum = 0;
  for (let k = 0; k < logits.length; k++) {
    const value = Math.exp((logits[k] ?? 0) - highest);
    logits[k] = value;
    sum += value;
  }
  for (let k = 0; k < logits.length; k++) {
    logits[k] = ((1 - uniformShare) * (logits[k] ?? 0)) / sum + uniformShare / logits.length;
  }
  return logits;
}

/** The first of the largest: ties go to the class whose UTF-8 bytes come first. */
export function indexOfLargest(values: Float64Array): number {
  let best = 0;
  for (let k = 1; k < values.length; k++) if ((values[k] ?? 0) > (values[best] ?? 0)) best = k;
  return best;
}

function invalid(): never {
  throw new HeadwaterError(
    'head-invalid',
    'parameters of the stored head cannot be read; train the head again',
  );
}
