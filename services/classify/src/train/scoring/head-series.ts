/** The trainer's state of one series (extractor, task, kind): its newest head, its next solve, its scores. */
import type { Classifier, HeadKind, HeadMode, TrainingSet } from '@headwater/heads';
import type { HeadTrained } from '@headwater/schemas';
import { SeriesScores } from './series-scores.ts';

export interface HeadSeries {
  readonly extractor: string;
  readonly task: string;
  readonly kind: HeadKind;
  /** The newest committed head. */
  newest: HeadTrained | undefined;
  /** Opened from `newest`, for prequential scores. */
  classifier: Classifier | undefined;
  /** The newest head was solved with other settings, or by other arithmetic. */
  outdated: boolean;
  /** The settings of the newest head are unknown: another process solved it, or the store was lost. */
  choicesUnknown: boolean;
  /** No provisional solve before this time of `performance.now()`, which does not jump with the clock. */
  restUntil: number;
  /** No solve at all before this time of `performance.now()`. */
  retryAt: number;
  scores: SeriesScores;
}

export function newHeadSeries(extractor: string, task: string, kind: HeadKind): HeadSeries {
  return {
    extractor,
    task,
    kind,
    newest: undefined,
    classifier: undefined,
    outdated: false,
    choicesUnknown: false,
    restUntil: 0,
    retryAt: 0,
    scores: new SeriesScores(),
  };
}

/** Pause after a solve, as a share of its duration, and its minimum: labels wait for the next solve. */
const backoffShare = 0.125;
const minimumBackoffMs = 50;
/**
 * Heads that do not serve are only compared, and pause longer: on two cores each of their solves delays the
 * serving head, and 95 % of labels are to wait for none.
 */
const challengerBackoffShare = 24;
const minimumChallengerBackoffMs = 2_000;
/** Pause after a failed solve; new labels may change the set. */
const failurePauseMs = 10_000;

export function pauseAfterFailure(series: HeadSeries): void {
  series.retryAt = performance.now() + failurePauseMs;
}

/** Settled heads are solved when labels pause, so later labels need not wait. */
export function pauseAfter(series: HeadSeries, mode: HeadMode, solveMs: number, serves: boolean): void {
  const rest = serves
    ? Math.max(minimumBackoffMs, backoffShare * solveMs)
    : Math.max(minimumChallengerBackoffMs, challengerBackoffShare * solveMs);
  series.restUntil = mode === 'settled' ? 0 : performance.now() + rest;
}

/** The set has changed since the newest head, and is not empty. */
export function isBehind(series: HeadSeries, set: TrainingSet): boolean {
  return set.examples > 0 && (series.outdated || series.newest?.setDigest !== set.setDigest);
}

/** A head with unknown settings waits until labels pause: mostly it is confirmed. */
export function isSettled(series: HeadSeries, set: TrainingSet): boolean {
  return series.newest?.mode === 'settled' && !series.choicesUnknown && !isBehind(series, set);
}

/** Records a committed head; the classifier is left out where only the watermark moved. */
export function setNewestHead(series: HeadSeries, head: HeadTrained, classifier?: Classifier): void {
  series.newest = head;
  if (classifier === undefined) return;
  series.classifier = classifier;
  series.outdated = false;
}
