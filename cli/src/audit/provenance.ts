/** Reads from a record's headers which record it came of: the audit follows these, not ids, which may repeat. */
import { deadLetterHeaders, type LogRecord, sourceHeaders } from '@headwater/stream';

export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** The record that caused an output; null when the headers are missing or no numbers. */
export function sourceOf(record: LogRecord): RecordPlace | null {
  return placeIn(record, sourceHeaders);
}

/** The record that a dead letter stands for, in Kafka Connect's headers. */
export function failedRecordOf(record: LogRecord): RecordPlace | null {
  return placeIn(record, deadLetterHeaders);
}

function placeIn(
  { headers }: LogRecord,
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
