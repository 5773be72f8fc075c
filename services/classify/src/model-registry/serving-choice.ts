/**
 * Chooses the head that serves a task. An erased head never serves; a pin holds against champions; a task without examples has no head
 * that serves; else the champion serves.
 */
import type { PrequentialFigures } from '@headwater/heads';
import type { HeadActivated, HeadTrained } from '@headwater/schemas';
import { selectChampion } from './champion.ts';
import type { Activation } from './heads-table.ts';

/** Identifies one head. */
export type HeadName = Pick<HeadTrained, 'task' | 'extractor' | 'kind' | 'version'>;

export function isSameHead(a: HeadName, b: HeadName): boolean {
  return isSameSeries(a, b) && a.version === b.version;
}

function isSameSeries(a: HeadName, b: HeadName): boolean {
  return a.task === b.task && a.extractor === b.extractor && a.kind === b.kind;
}

export function activationOf(
  { task, extractor, kind, version }: HeadName,
  reason: HeadActivated['reason'],
): HeadActivated {
  return { task, extractor, kind, version, reason, activatedAt: Date.now() };
}

/**
 * Chooses among the newest heads of each series of a task, kinds of one extractor in order of preference. Returns undefined where
 * nothing changes, and null where the task has no examples and no head may serve. Without scores, the first of `extractors` that has a
 * head is the champion; see champion.ts.
 */
export function chooseServing(
  newest: readonly (HeadTrained | undefined)[],
  current: Activation | undefined,
  extractors: readonly string[],
  recentScores: (head: HeadTrained) => PrequentialFigures | undefined = () => undefined,
): HeadActivated | null | undefined {
  if (current?.reason === 'pinned') return current.shadowed ? repeated(current) : undefined;
  const rank = (head: HeadTrained) => extractors.indexOf(head.extractor);
  const usable = newest.filter((head) => head !== undefined).filter((head) => rank(head) >= 0);
  const candidates = usable
    .sort((a, b) => rank(a) - rank(b))
    .map((head) => ({ head, recent: recentScores(head) }));
  const incumbent = candidates.find(({ head }) => current !== undefined && isSameSeries(head, current));
  const best = selectChampion(candidates, incumbent)?.head;
  if (best === undefined) return newest.length === 0 && current !== undefined ? null : undefined;
  const serves = current !== undefined && isSameHead(best, current);
  return serves ? undefined : activationOf(best, 'champion');
}

export interface ErasureChoice {
  readonly erased: readonly HeadName[];
  /** The newest heads, those published first. */
  readonly newest: readonly HeadName[];
  /** Whether the registry knows the head. */
  isKnown(head: HeadName): boolean;
  /** Whether the head's training set still has examples. */
  hasExamples(head: HeadName): boolean;
}

/**
 * Replaces a serving head that is erased or missing by the newest head of its series, whether it is pinned or not. Returns undefined
 * where the head stays, and null where no head may serve.
 */
export function replaceErased(
  serving: HeadName,
  { erased, newest, isKnown, hasExamples }: ErasureChoice,
): HeadActivated | null | undefined {
  const isErased = (head: HeadName) => erased.some((one) => isSameHead(one, head));
  const exists = isKnown(serving) || newest.some((head) => isSameHead(head, serving));
  if (exists && !isErased(serving)) return undefined;
  const successor = newest.find((head) => isSameSeries(head, serving) && !isErased(head));
  return successor === undefined || !hasExamples(successor) ? null : activationOf(successor, 'champion');
}

function repeated({ shadowed: _, ...activation }: Activation): HeadActivated {
  return activation;
}
