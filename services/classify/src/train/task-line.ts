/** What the trainer remembers of one (extractor, task): its newest head, when it may solve again, how it scored so far. */
import type { Classifier, LabelledSet } from '@headwater/heads';
import type { HeadTrained } from '@headwater/schemas';
import { type Prequential, unscored } from './prequential.ts';

export interface TaskLine {
  readonly extractor: string;
  readonly task: string;
  /** The newest head that was committed. */
  newest: HeadTrained | undefined;
  /** Opened from `newest`, for prequential scores. */
  classifier: Classifier | undefined;
  /** The newest head was solved with other choices than this process makes. */
  outdated: boolean;
  /** No solve before this time; milliseconds since the epoch. */
  notBefore: number;
  prequential: Prequential;
}

export function newLine(extractor: string, task: string): TaskLine {
  return {
    extractor,
    task,
    newest: undefined,
    classifier: undefined,
    outdated: false,
    notBefore: 0,
    prequential: unscored,
  };
}

/** Solves begin at least so far apart, and twice as far as one takes: learning never takes more than half of a core. */
const shortestPauseMs = 100;

/** A set that cannot be solved is not tried all the time; it may be another one when more labels have come. */
const failurePauseMs = 10_000;

export function pauseAfterFailure(line: TaskLine): void {
  line.notBefore = Date.now() + failurePauseMs;
}

export function pauseAfter(line: TaskLine, solveMs: number): void {
  line.notBefore = Date.now() + Math.max(shortestPauseMs, 2 * solveMs) - solveMs;
}

/** Labels came that no head has learned, or all of them went. */
export function isBehind(line: TaskLine, set: LabelledSet): boolean {
  return set.examples > 0 && (line.outdated || line.newest?.setDigest !== set.setDigest);
}

export function isSettled(line: TaskLine, set: LabelledSet): boolean {
  return line.newest?.mode === 'settled' && !isBehind(line, set);
}

/** A head was committed; the classifier is left out where only the watermark moved. */
export function adoptHead(line: TaskLine, head: HeadTrained, classifier?: Classifier): void {
  line.newest = head;
  if (classifier === undefined) return;
  line.classifier = classifier;
  line.outdated = false;
}
