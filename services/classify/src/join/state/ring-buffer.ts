/**
 * The newest few of something for each task, kept in the lane's store: a new entry takes the place of the oldest, so that nothing
 * grows. Each entry begins with a digest of its image's id, so that erasing an image finds what was kept of it without reading it all.
 */
import { createHash } from 'node:crypto';
import type { Draft, StateReader } from '../../store/state.ts';

export interface Ring<T> {
  readonly name: string;
  /** Entries for each task and lane. */
  readonly size: number;
  imageOf(entry: T): string;
}

/** Answers the place that the next entry takes. */
export function nextPlace<T>(state: StateReader, ring: Ring<T>, task: string): number {
  return (state.get(countKey(ring, task))?.readDoubleLE(0) ?? 0) % ring.size;
}

/** Moves on by one place. */
export function advance<T>(draft: Draft, ring: Ring<T>, task: string): void {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE((nextPlace(draft, ring, task) + 1) % ring.size);
  draft.put(countKey(ring, task), bytes);
}

export function readPlace<T>(state: StateReader, ring: Ring<T>, task: string, place: number): T | undefined {
  const bytes = state.get(entryKey(ring, task, place));
  return bytes === undefined ? undefined : decodeEntry<T>(bytes);
}

export function putPlace<T>(draft: Draft, ring: Ring<T>, task: string, place: number, entry: T): void {
  const bytes = Buffer.concat([digestOf(ring.imageOf(entry)), Buffer.from(JSON.stringify(entry))]);
  draft.put(entryKey(ring, task, place), bytes);
}

/** The newest entry replaces the oldest. */
export function pushEntry<T>(draft: Draft, ring: Ring<T>, task: string, entry: T): void {
  putPlace(draft, ring, task, nextPlace(draft, ring, task), entry);
  advance(draft, ring, task);
}

/** In no order that means anything. */
export function readRing<T>(state: StateReader, ring: Ring<T>, task: string): T[] {
  const entries: T[] = [];
  for (const { value } of state.range(taskPrefix(ring, task))) entries.push(decodeEntry<T>(value));
  return entries;
}

/** Takes out what any ring holds of the image. */
export function forgetImage(draft: Draft, imageId: string): void {
  const digest = digestOf(imageId);
  for (const { key, value } of draft.range(ringsPrefix)) {
    if (value.subarray(0, digestBytes).equals(digest)) draft.put(key, null);
  }
}

const ringsPrefix = 'ring/';
const digestBytes = 32;

function taskPrefix(ring: Ring<never>, task: string): string {
  return `${ringsPrefix}${ring.name}/${encodeURIComponent(task)}/`;
}

function entryKey(ring: Ring<never>, task: string, place: number): string {
  return `${taskPrefix(ring, task)}${String(place).padStart(6, '0')}`;
}

function countKey(ring: Ring<never>, task: string): string {
  return `count/ring/${ring.name}/${encodeURIComponent(task)}`;
}

function decodeEntry<T>(bytes: Buffer): T {
  return JSON.parse(bytes.toString('utf8', digestBytes)) as T;
}

function digestOf(imageId: string): Buffer {
  return createHash('sha256').update(imageId, 'utf8').digest();
}
