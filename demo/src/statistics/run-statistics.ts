/** Counters of a run: written by the closed loop, shown on the terminal, reported in the summary. */
import { createServedAccuracy, type ServedAccuracy } from './served-accuracy.ts';

/** Number of the last labels that served accuracy is measured over. */
const accuracyWindow = 500;

export interface RunStatistics {
  /** Images that the run will send. */
  total: number;
  accepted: number;
  /** Images rejected over HTTP, or skipped before: reason to number. */
  readonly refused: Map<string, number>;
  /** Images whose prediction was read. */
  predicted: number;
  /** Images that became dead letters instead. */
  deadLettered: number;
  labelled: number;
  /** The newest head version of any prediction; null before the first. */
  headVersion: number | null;
  readonly served: ServedAccuracy;
  /** Ids that HTTP returned 202 for. */
  readonly acceptedIds: Set<string>;
  /** Milliseconds of the monotonic clock: the first image sent and the last outcome read. */
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

/** Images in flight: accepted, with neither a prediction nor a dead letter. */
export function lagOf({ accepted, predicted, deadLettered }: RunStatistics): number {
  return Math.max(0, accepted - predicted - deadLettered);
}

/** Seconds from the first image sent to the last outcome read; 0 before there are both. */
export function secondsOf({ startedAt, finishedAt }: RunStatistics): number {
  return startedAt === null || finishedAt === null ? 0 : (finishedAt - startedAt) / 1000;
}

/** Predictions a second over the whole run; 0 before there is one. */
export function imagesPerSecondOf(statistics: RunStatistics): number {
  const seconds = secondsOf(statistics);
  return seconds === 0 ? 0 : statistics.predicted / seconds;
}
