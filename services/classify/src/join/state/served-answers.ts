/**
 * The newest published predictions of each task, and the newest that have met their first label, with the
 * published probabilities: the basis of measurements of served predictions.
 */
import type { ImageClassified } from '@headwater/schemas';
import type { Draft, StateReader } from '../../store/state.ts';
import { pushEntry, type RingBuffer, readRingBuffer } from './ring-buffer.ts';

/** Class and probability, the most probable first. */
export type Probabilities = readonly (readonly [label: string, probability: number])[];

/** A published prediction as far as measurements need it. */
export interface ServedPrediction {
  readonly label: string;
  readonly abstained: boolean;
  readonly version: number;
  /** At most `listedClasses`. */
  readonly probabilities: Probabilities;
}

/** A published prediction with the first label of its image. */
export interface ServedOutcome extends ServedPrediction {
  readonly imageId: string;
  /** The label. */
  readonly truth: string;
  /** When both were known; milliseconds since the epoch. */
  readonly at: number;
}

export type RecentPrediction = Omit<ImageClassified, 'probabilities'> & {
  readonly probabilities: Probabilities;
};

/** Classes whose probability is kept. */
const listedClasses = 20;

const outcomes: RingBuffer<ServedOutcome> = {
  name: 'outcome',
  size: 1_000,
  imageOf: ({ imageId }) => imageId,
};
const recentPredictions: RingBuffer<RecentPrediction> = {
  name: 'prediction',
  size: 200,
  imageOf: ({ imageId }) => imageId,
};

export function servedPredictionOf({
  head,
  label,
  abstained,
  probabilities,
}: ImageClassified): ServedPrediction | undefined {
  if (head === null || label === null) return undefined;
  return { label, abstained, version: head.version, probabilities: mostProbable(probabilities) };
}

export function recordPrediction(draft: Draft, prediction: ImageClassified): void {
  const probabilities = mostProbable(prediction.probabilities);
  pushEntry(draft, recentPredictions, prediction.task, { ...prediction, probabilities });
}

export function recordOutcome(draft: Draft, task: string, outcome: ServedOutcome): void {
  pushEntry(draft, outcomes, task, outcome);
}

/** In no particular order. */
export function readOutcomes(state: StateReader, task: string): ServedOutcome[] {
  return readRingBuffer(state, outcomes, task);
}

export function readPredictions(state: StateReader, task: string): RecentPrediction[] {
  return readRingBuffer(state, recentPredictions, task);
}

function mostProbable(probabilities: Readonly<Record<string, number>>): Probabilities {
  return Object.entries(probabilities)
    .sort((a, b) => b[1] - a[1])
    .slice(0, listedClasses);
}
