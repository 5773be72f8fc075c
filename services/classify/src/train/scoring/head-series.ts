/** What the trainer remembers of one (extractor, task, kind): its newest head, when it may be solved again, how it has scored. */
import type { Classifier, HeadKind, HeadMode, TrainingSet } from '@headwater/heads';
import type { HeadTrained } from '@headwater/schemas';
import { SeriesScores } from './series-scores.ts';

export interface HeadSeries {
  readonly extractor: string;
  readonly task: string;
  readonly kind: HeadKind;
  /** The newest head that was committed. */
  newest: HeadTrained | undefined;
  /** Opened from `newest`, for prequential scores. */
  classifier: Classifier | undefined;
  /** The newest head was solved with other choices than this process makes, or by another arithmetic. */
  outdated: boolean;
  /** Nobody here knows with which choices the newest head was solved: another process did it, or the store was lost. */
  choicesUnknown: boolean;
  /** No solve before this time; milliseconds since the epoch. */
  notBefore: number;
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
    notBefore: 0,
    scores: new SeriesScores(),
  };
}

/** A line rests an eighth as long as a solve took, and at least so long: solves have a thread of their own, and labels wait for the next one. */
const backoffShare = 0.125;
const minimumBackoffMs = 50;
/**
 * Heads that do not serve are there to be compared: they rest longer, and at least so long. On two cores every one of their solves delays
 * the head that predictions wait for, so that they must be under way a small part of the time: 0.95 of labels are to wait for none.
 */
const challengerBackoffShare = 24;
const minimumChallengerBackoffMs = 2_000;
/** A set that cannot be solved is not tried all the time; it may be another one when more labels have come. */
const failurePauseMs = 10_000;

export function pauseAfterFailure(line: HeadSeries): void {
  line.notBefore = Date.now() + failurePauseMs;
}

/** Settled heads are solved when nothing else is to be done: labels that come after them do not wait. */
export function pauseAfter(line: HeadSeries, mode: HeadMode, solveMs: number, serves: boolean): void {
  const rest = serves
    ? Math.max(minimumBackoffMs, backoffShare * solveMs)
    : Math.max(minimumChallengerBackoffMs, challengerBackoffShare * solveMs);
  line.notBefore = mode === 'settled' ? 0 : Date.now() + rest;
}

/** Labels came that no head has learned, or all of them went. */
export function isBehind(line: HeadSeries, set: TrainingSet): boolean {
  return set.examples > 0 && (line.outdated || line.newest?.setDigest !== set.setDigest);
}

/** What is unproven can wait until labels pause: mostly the settled head turns out to be the one that is there. */
export function isSettled(line: HeadSeries, set: TrainingSet): boolean {
  return line.newest?.mode === 'settled' && !line.choicesUnknown && !isBehind(line, set);
}

/** A head was committed; the classifier is left out where only the watermark moved. */
export function setNewestHead(line: HeadSeries, head: HeadTrained, classifier?: Classifier): void {
  line.newest = head;
  if (classifier === undefined) return;
  line.classifier = classifier;
  line.outdated = false;
}
