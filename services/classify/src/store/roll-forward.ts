/**
 * Brings a partition's store to the committed positions of its group, which are authoritative: a store behind
 * them reads the missing records; one ahead of them (or of another cluster) is emptied.
 */
import type { AssignedPartition, LogRecord, Positions } from '@headwater/log';
import type { PartitionStore } from './partition-store.ts';
import { noProgress, type RebuildProgress } from './rebuild-progress.ts';
import { Draft } from './state.ts';

export interface RollForwardOptions {
  readonly partition: AssignedPartition;
  readonly store: PartitionStore;
  /**
   * Called before the first read with the positions to continue from; without positions, the store starts
   * over.
   */
  begin?(from: Positions): void;
  /** The state transition, the same as in live processing; what it would write to the log was committed already. */
  apply(records: readonly LogRecord[], draft: Draft): Promise<void>;
  /** First available offset of a topic's partition. */
  earliest(topic: string): Promise<bigint>;
  /** An older store may have missed tombstones that compaction has dropped: it starts over. */
  readonly maxAgeMs: number;
  readonly progress?: RebuildProgress | undefined;
}

export interface RollForwardResult {
  readonly outcome: 'current' | 'rolled-forward' | 'rebuilt';
  readonly records: number;
}

export async function rollForward(options: RollForwardOptions): Promise<RollForwardResult> {
  const { partition, store } = options;
  if (isCurrent(partition, store)) {
    options.begin?.(store.positions);
    return { outcome: 'current', records: 0 };
  }
  const trusted = isTrusted(partition, store, options.maxAgeMs);
  if (!trusted && store.positions.size > 0) await store.clear();
  options.begin?.(store.positions);
  const ranges = await missingRanges(options);
  const total = ranges.reduce((sum, { from, to }) => sum + Number(to - from), 0);
  options.progress?.begin('replay', total);
  let records = 0;
  for (const range of ranges) records += await replayTopic(options, range);
  await store.write(new Map(), partition.positions);
  return { outcome: trusted ? 'rolled-forward' : 'rebuilt', records };
}

/** Whether nothing of the store can be used: it is a new one, ahead, or too old. */
export function startsOver(partition: AssignedPartition, store: PartitionStore, maxAgeMs: number): boolean {
  return !isCurrent(partition, store) && !isTrusted(partition, store, maxAgeMs);
}

function isTrusted(partition: AssignedPartition, store: PartitionStore, maxAgeMs: number): boolean {
  return store.positions.size > 0 && !isAhead(partition, store.positions) && !isStale(store, maxAgeMs);
}

function isCurrent(partition: AssignedPartition, store: PartitionStore): boolean {
  return partition.topics.every((topic) => store.positions.get(topic) === partition.positions.get(topic));
}

export function isAhead(partition: AssignedPartition, positions: Positions): boolean {
  return [...positions].some(([topic, offset]) => offset > (partition.positions.get(topic) ?? offset));
}

function isStale(store: PartitionStore, maxAgeMs: number): boolean {
  return Date.now() - store.writtenAt > maxAgeMs;
}

interface Range {
  readonly topic: string;
  readonly from: bigint;
  readonly to: bigint;
}

async function missingRanges({ partition, store, earliest }: RollForwardOptions): Promise<Range[]> {
  const ranges: Range[] = [];
  for (const topic of partition.topics) {
    const seen = store.positions.get(topic) ?? 0n;
    const to = partition.positions.get(topic) ?? 0n;
    if (seen >= to) continue;
    const low = await earliest(topic);
    const from = seen > low ? seen : low;
    if (from < to) ranges.push({ topic, from, to });
  }
  return ranges;
}

async function replayTopic(
  { partition, store, apply, progress = noProgress }: RollForwardOptions,
  range: Range,
): Promise<number> {
  let records = 0;
  let position = range.from;
  for await (const chunk of partition.replay(range)) {
    const draft = new Draft(store);
    await apply(chunk, draft);
    const next = (chunk.at(-1)?.offset ?? range.from) + 1n;
    await store.write(draft.changes, new Map([[range.topic, next]]));
    progress.advanced({ records: chunk.length, bytes: bytesOf(chunk), done: Number(next - position) });
    position = next;
    records += chunk.length;
  }
  return records;
}

function bytesOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
}
