/**
 * The common input of every kind of head: classes in their order, their means, the sample, and the priors. All of it follows
 * from the training set alone.
 */
import { HeadwaterError } from '@headwater/errors';
import type { HeadMode, LabelledVector, TrainOptions } from '../api.ts';
import type { Kernel } from '../kernel/api.ts';
import { fixedLog } from '../numerics/fixed-math.ts';
import { sampleLimit } from '../training-set/bottom-k-sample.ts';
import type { ReadonlyStatistics } from '../training-set/sufficient-statistics.ts';
import { centerOf } from './scatter.ts';

/** Maximum number of examples used to tune a provisional head. */
const provisionalSample = 256;
/**
 * A settled head compares each example of the sample with each class: with many classes it uses fewer examples, but at least
 * 500.
 */
const comparisons = 500_000;
const smallestSettledSample = 500;

/** The part of a training set from which a head is computed. */
export interface TrainingInput {
  /** Dimensions of the labelled vectors. */
  readonly dimensions: number;
  readonly examples: number;
  readonly setDigest: string;
  readonly lift: number | null;
  readonly statistics: ReadonlyStatistics;
  /** See `ExactTrainingSet.sample`. Errors: sample-incomplete. */
  sample(limit: number): readonly LabelledVector[];
  /** Maps a vector to the space of the statistics: the vector itself, or its random feature expansion. */
  expand(vector: Int16Array): Int16Array;
}

export interface TrainingProblem {
  readonly kernel: Kernel;
  readonly mode: HeadMode;
  readonly statistics: ReadonlyStatistics;
  /** Dimensions of the statistics: of expanded vectors, where the set has a random feature expansion. */
  readonly dimensions: number;
  readonly lift: number | null;
  readonly examples: number;
  /** In the order of their UTF-8 bytes; all per-class values below are in this order. */
  readonly classes: readonly string[];
  readonly counts: Float64Array;
  /** The mean of all vectors, padded. */
  readonly center: Float64Array;
  /** Class means relative to the center, which changes no distance and keeps numbers small. */
  readonly means: readonly Float64Array[];
  /** log π_k, normalised. */
  readonly logPriors: Float64Array;
  /** Examples with their labelled (not expanded) vectors. */
  readonly sample: readonly LabelledVector[];
  /** The sample's vectors in the space of the statistics. */
  readonly sampleVectors: readonly Int16Array[];
  /** Class index of each example of the sample. */
  readonly sampleLabels: Int32Array;
  readonly sampleGroups: readonly (string | null)[];
}

/** Errors: sample-incomplete, request-invalid for priors that are not positive. */
export function prepareProblem(
  set: TrainingInput,
  { mode, prior = 'uniform' }: TrainOptions,
): TrainingProblem {
  const { statistics } = set;
  const { classes, examples, dimensions } = statistics;
  const counts = Float64Array.from(classes, (label) => statistics.count(label));
  const center = centerOf(statistics);
  const sample = set.sample(sampleSize(mode, classes.length));
  return {
    kernel: statistics.kernel,
    mode,
    statistics,
    dimensions,
    lift: set.lift,
    examples,
    classes,
    counts,
    center,
    means: classes.map((label, k) => {
      return statistics.sum(label).map((sum, i) => sum / (counts[k] ?? 1) - (center[i] ?? 0));
    }),
    logPriors: weighClasses(classes, counts, prior),
    sample,
    sampleVectors: sample.map(({ vector }) => set.expand(vector)),
    sampleLabels: indexLabels(classes, sample),
    sampleGroups: sample.map(({ group }) => group),
  };
}

/** The class index of each example. */
export function indexLabels(
  classes: readonly string[],
  examples: readonly Pick<LabelledVector, 'label'>[],
): Int32Array {
  const index = new Map(classes.map((label, k) => [label, k]));
  return Int32Array.from(examples, ({ label }) => index.get(label) ?? 0);
}

/** The sample's vectors relative to the center, padded. */
export function centerSample({ sampleVectors, center }: TrainingProblem): Float64Array[] {
  return sampleVectors.map((vector) => {
    const centered = new Float64Array(center.length);
    for (let i = 0; i < vector.length; i++) centered[i] = (vector[i] ?? 0) - (center[i] ?? 0);
    return centered;
  });
}

/** Maximum number of examples of the sample that are used to tune a head. */
export function sampleSize(mode: HeadMode, classes: number): number {
  if (mode === 'provisional') return provisionalSample;
  return Math.min(sampleLimit, Math.max(smallestSettledSample, Math.floor(comparisons / classes)));
}

function weighClasses(
  classes: readonly string[],
  counts: Float64Array,
  prior: NonNullable<TrainOptions['prior']>,
): Float64Array {
  const weigh = (label: string, k: number) => {
    if (prior === 'uniform') return 1;
    return prior === 'empirical' ? (counts[k] ?? 1) : (prior[label] ?? 1);
  };
  const weights = Float64Array.from(classes, weigh);
  let total = 0;
  for (const weight of weights) {
    if (!(weight > 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new HeadwaterError('request-invalid', 'prior weight of a class must be a number above zero');
    }
    total += weight;
  }
  return weights.map((weight) => fixedLog(weight / total));
}
