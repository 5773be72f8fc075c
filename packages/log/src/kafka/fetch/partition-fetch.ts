/** One fetch request, and the conversion of its response to committed records and next positions. */
import type { LogRecord } from '../../api.ts';
import type { FetchedChunk } from '../../partitions/membership.ts';
import type { Broker, FetchedPartition } from '../client/kafkajs.ts';
import type { RawRecord } from '../client/raw-record.ts';
import { withoutAborted } from './aborted-records.ts';

export interface PartitionPosition {
  readonly topic: string;
  readonly partition: number;
  offset: bigint;
}

interface FetchWaits {
  /** The broker responds after this time even without records. */
  readonly maxWaitMs: number;
}

const maxBytesPerPartition = 1024 * 1024;
const maxBytes = 8 * 1024 * 1024;

/** Returns a chunk for each position that moved. Errors: those of kafkajs. */
export async function fetchFrom(
  broker: Broker,
  positions: readonly PartitionPosition[],
  { maxWaitMs }: FetchWaits,
): Promise<{ readonly position: PartitionPosition; readonly chunk: FetchedChunk }[]> {
  const asked = positions.map((position) => ({ position, from: position.offset }));
  const { responses } = await broker.fetch({
    isolationLevel: 1,
    maxWaitTime: maxWaitMs,
    minBytes: 1,
    maxBytes,
    topics: asked.map(({ position: { topic, partition }, from }) => ({
      topic,
      partitions: [{ partition, fetchOffset: String(from), maxBytes: maxBytesPerPartition }],
    })),
  });
  const chunks = [];
  for (const { topicName, partitions } of responses) {
    for (const fetched of partitions) {
      const one = asked.find(
        ({ position }) => position.topic === topicName && position.partition === fetched.partition,
      );
      if (one === undefined || fetched.messages.length === 0) continue;
      chunks.push({ position: one.position, chunk: toChunk(one.position, one.from, fetched) });
    }
  }
  return chunks;
}

function toChunk(
  { topic, partition }: PartitionPosition,
  from: bigint,
  { messages, abortedTransactions, lastStableOffset }: FetchedPartition,
): FetchedChunk {
  const last = messages.at(-1);
  const after = last === undefined ? from : BigInt(last.offset) + 1n;
  // A broker returns whole batches, so a batch may begin before the requested offset.
  const records = withoutAborted(messages, abortedTransactions ?? [])
    .map((message) => toRecord(topic, partition, message))
    .filter(({ offset }) => offset >= from);
  return { records, from, next: after > from ? after : from, high: BigInt(lastStableOffset) };
}

function toRecord(topic: string, partition: number, message: RawRecord): LogRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: toHeaders(message.headers),
  };
}

/** The last value of a repeated header counts, as in the Java client's `lastHeader`. */
function toHeaders(headers: RawRecord['headers']): Record<string, Buffer> {
  const kept: Record<string, Buffer> = {};
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    kept[name] = last ?? Buffer.alloc(0);
  }
  return kept;
}
