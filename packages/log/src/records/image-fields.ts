/** Fields of log lines about one record, the same in all services, so that one image id finds all of its lines. */
import type { DeadLetter, LogRecord } from '../api.ts';
import type { Logger } from '../logger.ts';
import { traceIdOf } from './trace-headers.ts';

/** Any client may write keys as long as a record. */
const longestKey = 256;

/** Whether steps of single images are logged: check it before fields are built. */
export function logsSteps(logger: Logger): boolean {
  return logger.isLevelEnabled?.('debug') ?? true;
}

/** The image, the trace and the place of a record; `imageId` by default the record's key. */
export function imageFields(record: LogRecord, imageId = keyText(record)): Record<string, unknown> {
  const { topic, partition, offset } = record;
  const traceId = traceIdOf(record);
  const place = { topic, partition, offset: String(offset) };
  return { imageId, ...(traceId === undefined ? {} : { traceId }), ...place };
}

/** `imageId` by default the key of the record. */
export function deadLetterFields(
  { record, stage, error }: DeadLetter,
  imageId?: string,
): Record<string, unknown> {
  return {
    code: error.code,
    reason: error.message,
    stage,
    ...imageFields(record, imageId),
    key: keyText(record),
  };
}

function keyText({ key }: LogRecord): string | undefined {
  return key === null ? undefined : key.toString('utf8').slice(0, longestKey);
}
