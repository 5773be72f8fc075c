/** The records that became dead letters, by group, on disk. */
import { deadLetterHeaders, failedRecordOf, type LogRecord, type RecordPlace } from '@headwater/log';
import type { Draft, StateReader } from '../../../store/state.ts';

export function putDeadLetter(draft: Draft, record: LogRecord): void {
  const place = failedRecordOf(record);
  const group = record.headers[deadLetterHeaders.className]?.toString('utf8') ?? '';
  if (place !== null) draft.put(letterKey(group, place), Buffer.alloc(0));
}

export function isDeadLetter(state: StateReader, group: string, place: RecordPlace): boolean {
  return state.get(letterKey(group, place)) !== undefined;
}

function letterKey(group: string, { topic, partition, offset }: RecordPlace): string {
  return `letter/${encodeURIComponent(group)}/${encodeURIComponent(topic)}/${partition}/${offset}`;
}
