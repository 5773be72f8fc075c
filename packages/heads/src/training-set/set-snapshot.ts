/**
 * The input of one solve, copied from a training set in a few milliseconds while the set continues to change: the sums as they
 * lie in memory, and the sample of this solve. Plain data for another thread; use `serialize` for storage and transfer.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LabelledVector, TrainingSet, TrainOptions } from '../api.ts';
import type { Kernel } from '../kernel/api.ts';
import { gramLength, paddedDimensions } from '../kernel/gram.ts';
import { chooseKernel } from '../kernel/kernel.ts';
import { learnsFromExamples } from '../models/example-budget.ts';
import { sampleSize, type TrainingInput } from '../models/training-problem.ts';
import { sampleLimit, truncateSample } from './bottom-k-sample.ts';
import { openFeatureExpansion } from './random-feature-expansion.ts';
import { requireExactTrainingSet } from './training-set.ts';

/** Can be posted to another thread, with `snapshotBuffers` as transfer list. Valid only for the head that it was taken for. */
export interface SetSnapshot {
  readonly dimensions: number;
  readonly lift: number | null;
  readonly examples: number;
  readonly setDigest: string;
  /** In the order of their UTF-8 bytes. */
  readonly classes: readonly string[];
  readonly counts: readonly number[];
  /** The Gram matrix, then the sums of each class. */
  readonly sums: Float64Array<ArrayBuffer>;
  /** In the order of their sample keys: one more than the sample, where there is one. */
  readonly first: readonly Omit<LabelledVector, 'vector'>[];
  /** The vectors of `first`, one after the other. */
  readonly vectors: Int16Array<ArrayBuffer>;
}

/** Errors: sample-incomplete. */
export function takeSnapshot(set: TrainingSet, { kind, mode }: TrainOptions): SetSnapshot {
  const opened = requireExactTrainingSet(set);
  const { statistics, dimensions, lift, examples, setDigest } = opened;
  const { classes, gram, width } = statistics;
  const first = opened.first((learnsFromExamples(kind) ? sampleLimit : sampleSize(mode, classes.length)) + 1);
  const sums = new Float64Array(gram.length + classes.length * width);
  sums.set(gram);
  classes.forEach((label, k) => {
    sums.set(statistics.sum(label), gram.length + k * width);
  });
  const vectors = new Int16Array(first.length * dimensions);
  first.forEach(({ vector }, index) => {
    vectors.set(vector, index * dimensions);
  });
  return {
    dimensions,
    lift,
    examples,
    setDigest,
    classes,
    counts: classes.map((label) => statistics.count(label)),
    sums,
    first: first.map(({ imageId, label, group }) => ({ imageId, label, group })),
    vectors,
  };
}

/** Buffers that can be transferred when a snapshot is posted. */
export function snapshotBuffers({ sums, vectors }: SetSnapshot): ArrayBuffer[] {
  return [sums.buffer, vectors.buffer];
}

/** Errors: statistics-mismatch, for a set that is not of this package. */
export function openTrainingInput(from: TrainingSet | SetSnapshot): TrainingInput {
  return 'sums' in from ? openSnapshot(from) : requireExactTrainingSet(from);
}

/** Opens a snapshot as the input of a solver. */
export function openSnapshot(snapshot: SetSnapshot, kernel: Kernel = chooseKernel()): TrainingInput {
  const { dimensions, lift, examples, classes, counts, sums } = snapshot;
  const expanded = lift ?? dimensions;
  const width = paddedDimensions(expanded);
  const gram = sums.subarray(0, gramLength(width));
  const index = new Map(classes.map((label, k) => [label, k]));
  const sumAt = (k: number) => sums.subarray(gram.length + k * width, gram.length + (k + 1) * width);
  return {
    dimensions,
    examples,
    lift,
    setDigest: snapshot.setDigest,
    statistics: {
      dimensions: expanded,
      width,
      examples,
      classes,
      kernel,
      gram,
      count: (label) => counts[index.get(label) ?? -1] ?? 0,
      sum: (label) => sumAt(index.get(label) ?? classes.length),
    },
    sample: (limit) => truncateSample(readFirst(snapshot, limit + 1), limit),
    expand: (vector) =>
      lift === null ? vector : openFeatureExpansion(kernel, dimensions, lift).apply(vector),
  };
}

/** Errors: sample-incomplete, where the snapshot was taken for another head. */
function readFirst({ first, vectors, dimensions, examples }: SetSnapshot, count: number): LabelledVector[] {
  if (first.length < Math.min(count, examples)) {
    throw new HeadwaterError(
      'sample-incomplete',
      'the snapshot of the training set was taken for another head',
    );
  }
  return first.slice(0, count).map((example, index) => {
    return { ...example, vector: vectors.subarray(index * dimensions, (index + 1) * dimensions) };
  });
}
