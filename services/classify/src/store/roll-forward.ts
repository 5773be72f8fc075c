/**
 * Brings a partition's store to the committed positions of its group, which are authoritative: a store behind
 * them reads the missing records; one ahead of them (or of another cluster) is emptied.
 */
import type { AssignedPartition, LogRecord, Positions } from '@headwater/log';
import type { PartitionStore } from './partition-store.ts';
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
  const fresh = store.positions.size === 0;
  const trusted = !fresh && !isAhead(partition, store) && !isStale(store, options.maxAgeMs);
  if (!trusted && !fresh) await store.clear();
  options.begin?.(store.positions);
  let records = 0;
  for (const topic of partition.topics) records += await replayTopic(options, topic);
  await store.write(new Map(), partition.positions);
  return { outcome: trusted ? 'rolled-forward' : 'rebuilt', records };
}

function isCurrent(partition: AssignedPartition, store: PartitionStore): boolean {
  return partition.topics.every((topic) => store.positions.get(topic) === partition.positions.get(topic));
}

function isAhead(partition: AssignedPartition, store: PartitionStore): boolean {
  return [...store.positions].some(([topic, offset]) => offset > (partition.positions.get(topic) ?? offset));
}

function isStale(store: PartitionStore, maxAgeMs: number): boolean {
  return Date.now() - store.writtenAt > maxAgeMs;
}

async function replayTopic(options: RollForwardOptions, topic: string): Promise<number> {
  const { partition, store } = options;
  const seen = store.positions.get(topic) ?? 0n;
  const to = partition.positions.get(topic) ?? 0n;
  let records = 0;
  if (seen >= to) return records;
  const low = await options.earliest(topic);
  const from = seen > low ? seen : low;
  for await (const chunk of partition.replay({ topic, from, to })) {
    const draft = new Draft(store);
    await options.apply(chunk, draft);
    await store.write(draft.changes, new Map([[topic, (chunk.at(-1)?.offset ?? from) + 1n]]));
    records += chunk.length;
  }
  return records;
}
