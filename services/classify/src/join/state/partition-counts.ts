/**
 * Counts of a partition, stored so that they survive a restart: images, labels without an image, images by
 * task and class (for the limits on both), and scores of served predictions.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Draft, StateReader } from '../../store/state.ts';
import { type ImageState, tasksOf, unmatchedLabels, winner } from './image-state.ts';
import {
  countOutcome,
  decodeScores,
  encodeScores,
  type Outcome,
  type ServedScores,
} from './served-accuracy.ts';

/**
 * For each partition. Clients create tasks and classes, which take memory in every service that learns them.
 */
export interface Limits {
  readonly maxTasks: number;
  readonly maxClasses: number;
}

export interface PartitionCounts {
  readonly images: number;
  readonly unmatched: number;
}

const imagesKey = 'count/images';
const unmatchedKey = 'count/unmatched';
const tasksKey = 'count/tasks';
const taskKey = (task: string) => `task/${encodeURIComponent(task)}`;
const classesKey = (task: string) => `classes/${encodeURIComponent(task)}`;
const classKey = (task: string, label: string) =>
  `class/${encodeURIComponent(task)}/${encodeURIComponent(label)}`;
const scoresPrefix = 'scores/';

/** Errors: limit-exceeded. */
export function requireCapacity(
  state: StateReader,
  limits: Limits,
  task: string,
  label: string | null,
): void {
  if (readCount(state, taskKey(task)) === 0 && readCount(state, tasksKey) >= limits.maxTasks) {
    throw new HeadwaterError('limit-exceeded', `there are ${limits.maxTasks} tasks already; raise MAX_TASKS`);
  }
  if (label === null || readCount(state, classKey(task, label)) > 0) return;
  if (readCount(state, classesKey(task)) < limits.maxClasses) return;
  throw new HeadwaterError(
    'limit-exceeded',
    `the task has ${limits.maxClasses} classes already; raise MAX_CLASSES`,
  );
}

export function readCounts(state: StateReader): PartitionCounts {
  return { images: readCount(state, imagesKey), unmatched: readCount(state, unmatchedKey) };
}

/** Scores by task. */
export function readScores(state: StateReader): Map<string, ServedScores> {
  const scores = new Map<string, ServedScores>();
  for (const { key, value } of state.range(scoresPrefix)) {
    scores.set(decodeURIComponent(key.slice(scoresPrefix.length)), decodeScores(value));
  }
  return scores;
}

export function countScore(draft: Draft, task: string, outcome: Outcome, now: number): void {
  const key = `${scoresPrefix}${encodeURIComponent(task)}`;
  draft.put(key, encodeScores(countOutcome(decodeScores(draft.get(key)), outcome, now)));
}

export function countImage(draft: Draft, before: ImageState, after: ImageState): void {
  add(draft, imagesKey, Number(after.vectors.size > 0) - Number(before.vectors.size > 0));
  add(draft, unmatchedKey, unmatchedLabels(after) - unmatchedLabels(before));
  const [tasksBefore, tasksAfter] = [tasksOf(before), tasksOf(after)];
  for (const task of new Set([...tasksBefore, ...tasksAfter])) {
    countTask(draft, task, Number(tasksAfter.has(task)) - Number(tasksBefore.has(task)));
    const [old, now] = [winner(before, task)?.label ?? null, winner(after, task)?.label ?? null];
    if (old === now) continue;
    if (now !== null) countClass(draft, task, now, 1);
    if (old !== null) countClass(draft, task, old, -1);
  }
}

function countTask(draft: Draft, task: string, change: number): void {
  if (change === 0) return;
  const count = add(draft, taskKey(task), change);
  if (count === change) add(draft, tasksKey, 1);
  if (count === 0) add(draft, tasksKey, -1);
}

function countClass(draft: Draft, task: string, label: string, change: number): void {
  const count = add(draft, classKey(task, label), change);
  if (change > 0 && count === change) add(draft, classesKey(task), 1);
  if (count === 0) add(draft, classesKey(task), -1);
}

function readCount(state: StateReader, key: string): number {
  const bytes = state.get(key);
  return bytes === undefined ? 0 : bytes.readDoubleLE(0);
}

/** Returns the new count; zero is deleted. */
function add(draft: Draft, key: string, change: number): number {
  const count = readCount(draft, key) + change;
  if (change === 0) return count;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(count);
  draft.put(key, count === 0 ? null : bytes);
  return count;
}
