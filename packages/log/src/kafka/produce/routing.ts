/**
 * Chooses the partition of each record, and the batch limit of each partition: a broker rejects batches over the
 * topic's limit and never splits them.
 */
import { HeadwaterError } from '@headwater/errors';
import type { OutgoingRecord } from '../../api.ts';
import { headersOf } from '../../records/provenance.ts';
import { sizeOf } from '../../records/record-size.ts';
import { partitionFor } from '../../topics/murmur2.ts';
import type { TopicPartition } from '../options.ts';
import { partitionName } from './protocol/produce-request.ts';
import type { BatchRecord } from './protocol/record-batch.ts';

export interface TopicShape {
  readonly partitions: number;
  /** `max.message.bytes`, which limits batches. */
  readonly maxMessageBytes: number;
}

export interface Route extends TopicPartition {
  /** Largest batch in bytes. */
  readonly limit: number;
  /** In the given order, with their estimated bytes. */
  readonly records: { readonly record: BatchRecord; readonly bytes: number }[];
}

/** Sizes are estimates: within this margin of the limit, the broker decides. */
const margin = 1024;

/** Groups records by partition. Errors: record-too-large, topic-mismatch. */
export function routeRecords(
  records: readonly OutgoingRecord[],
  shapeOf: (topic: string) => TopicShape,
  maxBatchBytes: number,
): Route[] {
  const routes = new Map<string, Route>();
  const spread = Math.floor(Math.random() * 0x7fffffff);
  const now = Date.now();
  for (const [index, outgoing] of records.entries()) {
    const { topic } = outgoing;
    const shape = shapeOf(topic);
    const bytes = sizeOf(outgoing);
    rejectTooLarge(outgoing, bytes, shape);
    const partition = choosePartition(outgoing, shape, spread + index);
    const name = partitionName({ topic, partition });
    const limit = Math.min(maxBatchBytes, shape.maxMessageBytes - margin);
    const route = routes.get(name) ?? { topic, partition, limit, records: [] };
    routes.set(name, route);
    route.records.push({ record: toBatchRecord(outgoing, now), bytes });
  }
  return [...routes.values()];
}

function rejectTooLarge(record: OutgoingRecord, size: number, { maxMessageBytes }: TopicShape): void {
  if (size <= maxMessageBytes + margin) return;
  const message = `a record of about ${size} bytes exceeds ${maxMessageBytes} bytes, max.message.bytes of topic ${record.topic}`;
  throw new HeadwaterError('record-too-large', message, { context: { topic: record.topic, bytes: size } });
}

function choosePartition(record: OutgoingRecord, shape: TopicShape, spread: number): number {
  if (record.partition === undefined) {
    return record.key === null ? spread % shape.partitions : partitionFor(record.key, shape.partitions);
  }
  if (record.partition < shape.partitions) return record.partition;
  const message = `topic ${record.topic} has ${shape.partitions} partitions, but the record names partition ${record.partition}`;
  throw new HeadwaterError('topic-mismatch', message);
}

function toBatchRecord(record: OutgoingRecord, now: number): BatchRecord {
  const { key, value, timestamp = now } = record;
  return { key, value, headers: headersOf(record), timestamp };
}
