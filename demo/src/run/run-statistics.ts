/** What a run has seen so far: the story writes it, the terminal shows it, the summary is made of it. */
import { createServedAccuracy, type ServedAccuracy } from './served-accuracy.ts';

/** Served accuracy is measured over so many of the last labels. */
export const accuracyWindow = 500;

export interface RunStatistics {
  /** Images that the run will send. */
  total: number;
  accepted: number;
  /** Refused over HTTP, or left out before: reason to number. */
  readonly refused: Map<string, number>;
  /** Images whose prediction was read. */
  predicted: number;
  /** Images that became dead letters instead. */
  deadLettered: number;
  labelled: number;
  /** The newest head that a prediction came from; null before the first. */
  headVersion: number | null;
  readonly served: ServedAccuracy;
  /** Ids that HTTP answered 202 for. */
  readonly acceptedIds: Set<string>;
  /** Milliseconds of the monotonic clock: the first departure and the last landing. */
  startedAt: number | null;
  finishedAt: number | null;
}

export function createRunStatistics(): RunStatistics {
  return {
    total: 0,
    accepted: 0,
    refused: new Map(),
    predicted: 0,
    deadLettered: 0,
    labelled: 0,
    headVersion: null,
    served: createServedAccuracy(accuracyWindow),
    acceptedIds: new Set(),
    startedAt: null,
    finishedAt: null,
  };
}

export function countRejection({ refused }: RunStatistics, reason: string): void {
  refused.set(reason, (refused.get(reason) ?? 0) + 1);
}

/** Images on their way: accepted, and neither predicted nor dead. */
export function lagOf({ accepted, predicted, deadLettered }: RunStatistics): number {
  return Math.max(0, accepted - predicted - deadLettered);
}

/** From the first departure to the last landing; 0 before there are both. */
export function secondsOf({ startedAt, finishedAt }: RunStatistics): number {
  return startedAt === null || finishedAt === null ? 0 : (finishedAt - startedAt) / 1000;
}

/** Predictions a second over the whole run; 0 before there is one. */
export function imagesPerSecondOf(tally: RunStatistics): number {
  const seconds = secondsOf(tally);
  return seconds === 0 ? 0 : tally.predicted / seconds;
}
