/**
 * Where a record came from travels with it in headers, so that an audit can tell for every source record
 * whether its output is there, is there twice, or lies among the dead letters.
 */
import type { DeadLetter, LogRecord, OutgoingRecord } from '../api.ts';

export const sourceHeaders = {
  topic: 'headwater.source.topic',
  partition: 'headwater.source.partition',
  offset: 'headwater.source.offset',
} as const;

/** Where a record was before its topic was given other partitions: `run/partition/offset`. */
export const movedHeader = 'headwater.moved';

/** The names that Kafka Connect uses, so that its tools understand our dead letters. */
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

/** Before the name of a header of the failed record that one of ours would hide. */
export const hiddenHeaderPrefix = 'headwater.original.';
const ours = new Set<string>([...Object.values(sourceHeaders), ...Object.values(deadLetterHeaders)]);

/** Headers as they are written: the record's own, and those of its cause. */
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

/** The record that goes to the dead letters: key and value untouched, the reason in headers. */
export function deadLetterRecord(letter: DeadLetter, topic: string, group: string): OutgoingRecord {
  const { record, stage, error } = letter;
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

/** A record that came of another one says so in headers that the dead letter needs for itself. */
function withoutHiding(headers: LogRecord['headers']): Record<string, Buffer> {
  const entries = Object.entries(headers).map(
    ([name, value]) => [ours.has(name) ? `${hiddenHeaderPrefix}${name}` : name, value] as const,
  );
  return Object.fromEntries(entries);
}

/** Headers of the record that a dead letter stands for, as they were. */
export function originalHeaders(headers: LogRecord['headers']): Record<string, Buffer> {
  const entries = Object.entries(headers)
    .filter(([name]) => !ours.has(name))
    .map(([name, value]) => {
      const hidden = name.startsWith(hiddenHeaderPrefix) && ours.has(name.slice(hiddenHeaderPrefix.length));
      return [hidden ? name.slice(hiddenHeaderPrefix.length) : name, value] as const;
    });
  return Object.fromEntries(entries);
}
