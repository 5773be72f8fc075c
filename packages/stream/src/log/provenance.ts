/**
 * Where a record came from travels with it in headers, so that an audit can tell for every source record
 * whether its output is there, is there twice, or lies among the dead letters.
 */
import type { DeadLetter, OutgoingRecord } from './api.ts';

export const sourceHeaders = {
  topic: 'headwater.source.topic',
  partition: 'headwater.source.partition',
  offset: 'headwater.source.offset',
} as const;

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
      ...record.headers,
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
