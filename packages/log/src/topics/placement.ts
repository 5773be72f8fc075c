/**
 * Detects at the start that partitions were added while no process ran: earlier records are still in their former
 * partitions. State is kept by partition, so those records would never be found again.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Log, LogRecord } from '../api.ts';
import { repartitionRemedy } from '../partitions/partition-watch.ts';
import { partitionFor } from './murmur2.ts';

/** The key that determines a record's partition; undefined for other writers, whose partitioner is unknown. */
type PlacementKey = (record: LogRecord) => Buffer | string | undefined;

export interface PlacedKey {
  readonly key: Buffer | string;
  readonly partition: number;
}

/** Errors: topic-mismatch, log-unavailable. */
export async function checkPlacement(
  log: Pick<Log, 'admin' | 'read'>,
  topic: string,
  partitions: number,
  keyOf: PlacementKey,
): Promise<void> {
  const sample: PlacedKey[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const record of await firstRecords(log, topic, partition)) {
      const key = keyOf(record);
      if (key !== undefined) sample.push({ key, partition });
    }
  }
  const before = formerPartitions(sample, partitions);
  if (before === undefined) return;
  const message =
    `topic ${topic} has ${partitions} partitions, but its records were written to ${before}: ` +
    `partitions were added, and keys now map to other partitions; ${repartitionRemedy(partitions)}`;
  throw new HeadwaterError('topic-mismatch', message, { context: { topic, before, now: partitions } });
}

async function firstRecords(
  log: Pick<Log, 'read'>,
  topic: string,
  partition: number,
): Promise<readonly LogRecord[]> {
  for await (const records of log.read({ topic, partition })) return records;
  return [];
}

/**
 * The partition count that the keys were written for, where it is not `partitions`. It must explain the partition
 * of every misplaced key; the placement of another partitioner fits no count.
 */
export function formerPartitions(sample: readonly PlacedKey[], partitions: number): number | undefined {
  const misplaced = sample.filter(({ key, partition }) => partitionFor(key, partitions) !== partition);
  if (misplaced.length === 0) return undefined;
  for (let count = partitions - 1; count > 0; count -= 1) {
    if (misplaced.every(({ key, partition }) => partitionFor(key, count) === partition)) return count;
  }
  return undefined;
}
