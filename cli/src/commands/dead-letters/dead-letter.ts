/** A dead letter, parsed from its headers, and its original record. */
import { deadLetterHeaders, type LogRecord, type OutgoingRecord, originalHeaders } from '@headwater/log';

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface StoredDeadLetter extends Place {
  /** When it was written; milliseconds since the epoch. */
  readonly failedAt: number;
  readonly key: string | null;
  /** The record that failed; null where the headers do not name it, as in dead letters of other programs. */
  readonly source: Place | null;
  /** Where it failed, e.g. `decode`. */
  readonly stage: string;
  readonly code: string;
  readonly reason: string;
  /** The consumer group that failed. */
  readonly group: string;
  /** null: the record had no value. */
  readonly valueBytes: number | null;
}

export function readDeadLetter(record: LogRecord): StoredDeadLetter {
  const header = (name: string) => record.headers[name]?.toString('utf8') ?? '';
  return {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    failedAt: record.timestamp,
    key: record.key === null ? null : record.key.toString('utf8'),
    source: sourceIn(header),
    stage: header(deadLetterHeaders.stage),
    code: header(deadLetterHeaders.exceptionClass),
    reason: header(deadLetterHeaders.exceptionMessage),
    group: header(deadLetterHeaders.className),
    valueBytes: record.value?.length ?? null,
  };
}

function sourceIn(header: (name: string) => string): Place | null {
  const topic = header(deadLetterHeaders.topic);
  const [partition, offset] = [header(deadLetterHeaders.partition), header(deadLetterHeaders.offset)];
  if (topic === '' || !/^\d{1,9}$/.test(partition) || !/^\d{1,19}$/.test(offset)) return null;
  return { topic, partition: Number(partition), offset: BigInt(offset) };
}

/**
 * The original record: key, value and headers unchanged, for its original partition (producers of `examples` choose
 * it themselves), or, where that no longer exists, for the partition of its key.
 */
export function originalRecord(record: LogRecord, source: Place, partitions: number): OutgoingRecord {
  return {
    topic: source.topic,
    key: record.key,
    value: record.value,
    headers: originalHeaders(record.headers),
    ...(source.partition < partitions ? { partition: source.partition } : {}),
  };
}

/** `images-dlt/3/17` */
export function formatPosition({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}/${offset}`;
}

/** Undefined where the text is no position. */
export function parsePosition(text: string): Place | undefined {
  const [, topic, partition, offset] = /^(.+)\/(\d{1,9})\/(\d{1,19})$/.exec(text) ?? [];
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  return { topic, partition: Number(partition), offset: BigInt(offset) };
}
