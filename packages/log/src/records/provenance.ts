/**
 * Headers that name the source of a record. An audit uses them to find, for every source record, a missing
 * output, a duplicate or a dead letter.
 */
import type { DeadLetter, LogRecord, OutgoingRecord } from '../api.ts';

export const sourceHeaders = {
  topic: 'headwater.source.topic',
  partition: 'headwater.source.partition',
  offset: 'headwater.source.offset',
} as const;

/** Place of a record before a repartitioning: `run/partition/offset`. */
export const movedHeader = 'headwater.moved';

/** Header names of Kafka Connect, so that its tools can read the dead letters. */
export const deadLetterHeaders = {
  topic: '__connect.errors.topic',
  partition: '__connect.errors.partition',
  offset: '__connect.errors.offset',
  stage: '__connect.errors.stage',
  className: '__connect.errors.class.name',
  exceptionClass: '__connect.errors.exception.class.name',
  exceptionMessage: '__connect.errors.exception.message',
} as const;

const longestMessage = 1000;

/** Prefix for a header of the failed record whose name the dead letter itself uses. */
const hiddenHeaderPrefix = 'headwater.original.';
const reserved = new Set<string>([...Object.values(sourceHeaders), ...Object.values(deadLetterHeaders)]);

/** Headers as written: those of the record, and the source headers of its cause. */
export function headersOf(record: OutgoingRecord): Record<string, Buffer> {
  const headers: Record<string, Buffer> = {};
  for (const [name, value] of Object.entries(record.headers ?? {})) {
    headers[name] = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  }
  if (record.cause === undefined) return headers;
  headers[sourceHeaders.topic] = Buffer.from(record.cause.topic, 'utf8');
  headers[sourceHeaders.partition] = Buffer.from(String(record.cause.partition));
  headers[sourceHeaders.offset] = Buffer.from(String(record.cause.offset));
  return headers;
}

/** The record for the dead-letter topic: unchanged key and value, the reason in headers. */
export function deadLetterRecord(deadLetter: DeadLetter, topic: string, group: string): OutgoingRecord {
  const { record, stage, error } = deadLetter;
  return {
    topic,
    key: record.key,
    value: record.value,
    cause: record,
    headers: {
      ...withoutHiding(record.headers),
      [deadLetterHeaders.topic]: record.topic,
      [deadLetterHeaders.partition]: String(record.partition),
      [deadLetterHeaders.offset]: String(record.offset),
      [deadLetterHeaders.stage]: stage,
      [deadLetterHeaders.className]: group,
      [deadLetterHeaders.exceptionClass]: error.code,
      [deadLetterHeaders.exceptionMessage]: error.message.slice(0, longestMessage),
    },
  };
}

/** Renames headers of the failed record that the headers of the dead letter would overwrite. */
function withoutHiding(headers: LogRecord['headers']): Record<string, Buffer> {
  const entries = Object.entries(headers).map(
    ([name, value]) => [reserved.has(name) ? `${hiddenHeaderPrefix}${name}` : name, value] as const,
  );
  return Object.fromEntries(entries);
}

/** The original headers of the failed record of a dead letter. */
export function originalHeaders(headers: LogRecord['headers']): Record<string, Buffer> {
  const entries = Object.entries(headers)
    .filter(([name]) => !reserved.has(name))
    .map(([name, value]) => {
      const hidden =
        name.startsWith(hiddenHeaderPrefix) && reserved.has(name.slice(hiddenHeaderPrefix.length));
      return [hidden ? name.slice(hiddenHeaderPrefix.length) : name, value] as const;
    });
  return Object.fromEntries(entries);
}
