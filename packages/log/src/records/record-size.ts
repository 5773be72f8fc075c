/**
 * Size of a record in bytes, for bounds on queues, for splitting sends, and for the message limit of a topic.
 * Estimates are upper bounds; the broker enforces the limit.
 */
import type { LogRecord, OutgoingRecord } from '../api.ts';

/** Lengths, offsets and timestamps around one record, at most. */
const recordOverhead = 32;
/** Two lengths around a header. */
const headerOverhead = 10;
/** The three headers that name a record's source, with values. */
const sourceHeadersSize = 180;

export function sizeOf(record: LogRecord | OutgoingRecord): number {
  let size = recordOverhead + lengthOf(record.key) + (record.value?.length ?? 0);
  for (const [name, value] of Object.entries(record.headers ?? {})) {
    size += headerOverhead + Buffer.byteLength(name) + lengthOf(value);
  }
  return 'cause' in record && record.cause !== undefined ? size + sourceHeadersSize : size;
}

function lengthOf(value: Buffer | string | null): number {
  if (value === null) return 0;
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}
