/** One debug line for each example that a trainer has learned or forgotten, once it is committed. */
import { imageFields, type Logger, type LogRecord } from '@headwater/log';
import { parseCompositeKey } from '@headwater/schemas';
import type { SetChange } from './trainer-state.ts';

export interface LearnedRecord {
  readonly record: LogRecord;
  /** Undefined where the training set stayed as it was. */
  readonly change: SetChange | undefined;
}

export function logLearned(logger: Logger, { record, change }: LearnedRecord): void {
  const [extractor, task, imageId] = parseCompositeKey(record.key?.toString('utf8') ?? '');
  logger.debug({ ...imageFields(record, imageId), extractor, task }, stepOf(record, change));
}

function stepOf({ value }: LogRecord, change: SetChange | undefined): string {
  if (value === null) return 'example erased';
  if (change === undefined) return 'example unchanged';
  return change.added === null ? 'example removed' : 'example added';
}
