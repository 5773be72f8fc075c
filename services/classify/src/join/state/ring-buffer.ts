/**
 * Stored ring buffers, one a task. Each entry begins with a digest of its image id, so that an erasure finds
 * entries without decoding them.
 */
import { createHash } from 'node:crypto';
import type { Draft, StateReader } from '../../store/state.ts';

export interface RingBuffer<T> {
  readonly name: string;
  /** Entries for each task and partition. */
  readonly size: number;
  imageOf(entry: T): string;
}

/** The slot of the next entry. */
export function nextSlot<T>(state: StateReader, ring: RingBuffer<T>, task: string): number {
  return (state.get(countKey(ring, task))?.readDoubleLE(0) ?? 0) % ring.size;
}

/** Advances to the next slot. */
export function advance<T>(draft: Draft, ring: RingBuffer<T>, task: string): void {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE((nextSlot(draft, ring, task) + 1) % ring.size);
  draft.put(countKey(ring, task), bytes);
}

export function readSlot<T>(
  state: StateReader,
  ring: RingBuffer<T>,
  task: string,
  place: number,
): T | undefined {
  const bytes = state.get(entryKey(ring, task, place));
  return bytes === undefined ? undefined : decodeEntry<T>(bytes);
}

export function putSlot<T>(draft: Draft, ring: RingBuffer<T>, task: string, place: number, entry: T): void {
  const bytes = Buffer.concat([digestOf(ring.imageOf(entry)), Buffer.from(JSON.stringify(entry))]);
  draft.put(entryKey(ring, task, place), bytes);
}

/** The newest entry replaces the oldest. */
export function pushEntry<T>(draft: Draft, ring: RingBuffer<T>, task: string, entry: T): void {
  putSlot(draft, ring, task, nextSlot(draft, ring, task), entry);
  advance(draft, ring, task);
}

/** In no particular order. */
export function readRingBuffer<T>(state: StateReader, ring: RingBuffer<T>, task: string): T[] {
  const entries: T[] = [];
  for (const { value } of state.range(taskPrefix(ring, task))) entries.push(decodeEntry<T>(value));
  return entries;
}

/** Deletes the entries of the image from all ring buffers. */
export function deleteImageEntries(draft: Draft, imageId: string): void {
  const digest = digestOf(imageId);
  for (const { key, value } of draft.range(ringsPrefix)) {
    if (value.subarray(0, digestBytes).equals(digest)) draft.put(key, null);
  }
}

const ringsPrefix = 'ring/';
const digestBytes = 32;

function taskPrefix(ring: RingBuffer<never>, task: string): string {
  return `${ringsPrefix}${ring.name}/${encodeURIComponent(task)}/`;
}

function entryKey(ring: RingBuffer<never>, task: string, place: number): string {
  return `${taskPrefix(ring, task)}${String(place).padStart(6, '0')}`;
}

function countKey(ring: RingBuffer<never>, task: string): string {
  return `count/ring/${ring.name}/${encodeURIComponent(task)}`;
}

function decodeEntry<T>(bytes: Buffer): T {
  return JSON.parse(bytes.toString('utf8', digestBytes)) as T;
}

function digestOf(imageId: string): Buffer {
  return createHash('sha256').update(imageId, 'utf8').digest();
}
