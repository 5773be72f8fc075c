/**
 * How records become requests: one send of kafkajs is one batch a partition, never split, and a broker refuses
 * a batch that is larger than the topic allows. So partitions are chosen here, and what goes to one of them is
 * cut into rounds that fit, in order.
 */
import { HeadwaterError } from '@headwater/errors';
import type { OutgoingRecord } from '../api.ts';
import { partitionFor } from '../murmur2.ts';
import { headersOf } from '../provenance.ts';
import { sizeOf } from '../record-size.ts';
import type { TopicMessages } from './kafkajs.ts';

export interface TopicShape {
  readonly partitions: number;
  /** `max.message.bytes`, which limits batches. */
  readonly maxMessageBytes: number;
}

/** Sizes are estimates: the broker decides within this much of the limit. */
const margin = 1024;

interface Message {
  readonly partition: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer>;
  readonly timestamp?: string;
}

/** Sends, to be made one after the other. Errors: record-too-large, topic-mismatch. */
export function planSends(
  records: readonly OutgoingRecord[],
  shapeOf: (topic: string) => TopicShape,
  maxBatchBytes: number,
): TopicMessages[][] {
  const rounds: Map<string, Message[]>[] = [];
  const fill = new Map<string, { round: number; bytes: number }>();
  const spread = Math.floor(Math.random() * 0x7fffffff);
  for (const [index, record] of records.entries()) {
    const shape = shapeOf(record.topic);
    const size = sizeOf(record);
    refuseTooLarge(record, size, shape);
    const partition = choosePartition(record, shape, spread + index);
    const limit = Math.min(maxBatchBytes, shape.maxMessageBytes - margin);
    const round = place(fill, `${partition}/${record.topic}`, size, limit);
    const messages = rounds[round] ?? new Map<string, Message[]>();
    rounds[round] = messages;
    const topicMessages = messages.get(record.topic) ?? [];
    topicMessages.push(toMessage(record, partition));
    messages.set(record.topic, topicMessages);
  }
  return rounds.map((round) => [...round].map(([topic, messages]) => ({ topic, messages })));
}

function refuseTooLarge(record: OutgoingRecord, size: number, { maxMessageBytes }: TopicShape): void {
  if (size <= maxMessageBytes + margin) return;
  const message =
    `a record of about ${size} bytes exceeds max.message.bytes of topic ${record.topic}, ` +
    `which is ${maxMessageBytes}`;
  throw new HeadwaterError('record-too-large', message, { context: { topic: record.topic, bytes: size } });
}

function choosePartition(record: OutgoingRecord, shape: TopicShape, spread: number): number {
  if (record.partition === undefined) {
    return record.key === null ? spread % shape.partitions : partitionFor(record.key, shape.partitions);
  }
  if (record.partition < shape.partitions) return record.partition;
  const message = `topic ${record.topic} has ${shape.partitions} partitions, and none is ${record.partition}`;
  throw new HeadwaterError('topic-mismatch', message);
}

/** Round of a record: a larger one than the limit has a round of its own partition for itself. */
function place(
  fill: Map<string, { round: number; bytes: number }>,
  target: string,
  size: number,
  limit: number,
): number {
  const current = fill.get(target) ?? { round: 0, bytes: 0 };
  if (current.bytes > 0 && current.bytes + size > limit) {
    current.round += 1;
    current.bytes = 0;
  }
  current.bytes += size;
  fill.set(target, current);
  return current.round;
}

function toMessage(record: OutgoingRecord, partition: number): Message {
  return {
    partition,
    key: record.key,
    value: record.value,
    headers: headersOf(record),
    ...(record.timestamp === undefined ? {} : { timestamp: String(record.timestamp) }),
  };
}
