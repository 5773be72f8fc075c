/** Options that the partition groups of join and train share. */
import { HeadwaterError } from '@headwater/errors';
import { type Log, type LogRecord, sourceHeaders } from '@headwater/log';
import type { ClassifyConfig } from './environment.ts';

export function batchLimits({ RECORDS_PER_COMMIT, BATCH_LINGER, COMMIT_REST }: ClassifyConfig) {
  return { maxRecords: RECORDS_PER_COMMIT, lingerMs: BATCH_LINGER, restMs: COMMIT_REST };
}

/** Where other processes ask about the partitions of this one; only the role api listens. */
export function advertisedAddress({ ROLES, HTTP_ADVERTISED_URL }: ClassifyConfig): string | undefined {
  return ROLES.includes('api') ? HTTP_ADVERTISED_URL : undefined;
}

/** Undefined for records that Headwater did not write: other producers may use another partitioner. */
export function placementKey({ key, headers }: LogRecord): Buffer | undefined {
  return key === null || headers[sourceHeaders.topic] === undefined ? undefined : key;
}

/** Errors: topic-missing. */
export async function partitionCount(log: Log, topic: string): Promise<number> {
  const count = await log.admin.partitions(topic);
  if (count === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
  return count;
}

export async function earliestOffset(log: Log, topic: string, partition: number): Promise<bigint> {
  return (await log.admin.offsets(topic))[partition]?.low ?? 0n;
}

/** The offset after the last one. */
export async function endOffset(log: Log, topic: string, partition: number): Promise<bigint> {
  return (await log.admin.offsets(topic))[partition]?.high ?? 0n;
}
