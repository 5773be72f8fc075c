/**
 * Finds out at the start whether partitions were added while no process watched: records that were written before lie where
 * their keys belonged then. State is kept by partition, so those records would never be found again.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Log, LogRecord } from '../api.ts';
import { repartitionRemedy } from '../partitions/partition-watch.ts';
import { partitionFor } from './murmur2.ts';

/** What a record's partition follows from; undefined for records of other writers, whose partitioner is not known. */
export type PlacementKey = (record: LogRecord) => Buffer | string | undefined;

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
    `topic ${topic} has ${partitions} partitions, and its records were written to ${before}: ` +
    `partitions were added, and keys belong to others now; ${repartitionRemedy(partitions)}`;
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
 * The number of partitions that the keys were written for, where that is not `partitions`. A smaller number must explain every key that
 * is not in its place: another partitioner leaves keys in places that no number explains.
 */
export function formerPartitions(sample: readonly PlacedKey[], partitions: number): number | undefined {
  const misplaced = sample.filter(({ key, partition }) => partitionFor(key, partitions) !== partition);
  if (misplaced.length === 0) return undefined;
  for (let count = partitions - 1; count > 0; count -= 1) {
    if (misplaced.every(({ key, partition }) => partitionFor(key, count) === partition)) return count;
  }
  return undefined;
}
