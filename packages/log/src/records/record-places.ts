/** The source of a record, from its headers. Audits follow these and not ids, which may repeat. */
import type { LogRecord } from '../api.ts';
import { deadLetterHeaders, sourceHeaders } from './provenance.ts';

export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** The record that caused an output; null when the headers are missing or are not numbers. */
export function sourceOf(record: Pick<LogRecord, 'headers'>): RecordPlace | null {
  return placeIn(record, sourceHeaders);
}

/** The failed record of a dead letter, from Kafka Connect's headers; null for a marker of a retry or drop. */
export function failedRecordOf(record: Pick<LogRecord, 'headers'>): RecordPlace | null {
  return placeIn(record, deadLetterHeaders);
}

/** Source headers of an output whose source record is known only by its place. */
export function sourceHeadersOf({ topic, partition, offset }: RecordPlace): Record<string, string> {
  return {
    [sourceHeaders.topic]: topic,
    [sourceHeaders.partition]: String(partition),
    [sourceHeaders.offset]: String(offset),
  };
}

function placeIn(
  { headers }: Pick<LogRecord, 'headers'>,
  names: { readonly topic: string; readonly partition: string; readonly offset: string },
): RecordPlace | null {
  const topic = headers[names.topic]?.toString();
  const partition = headers[names.partition]?.toString();
  const offset = headers[names.offset]?.toString();
  if (topic === undefined || !isCount(partition) || !isCount(offset)) return null;
  return { topic, partition: Number(partition), offset: BigInt(offset) };
}

function isCount(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,19}$/.test(text);
}
