/** One debug line for each step of an image or label through the join, once it is committed. */
import { imageFields, type Logger, type LogRecord } from '@headwater/log';
import type { Handled } from '../partition-join.ts';

/** `record`: a committed input; `vectors`: the topics of vectors. */
export function logJoined(
  logger: Logger,
  record: LogRecord,
  { predictions, examples, records }: Handled,
  vectors: { has(topic: string): boolean },
): void {
  const fields = imageFields(record);
  logger.debug({ ...fields, outputs: records.length }, stepOf(record, vectors));
  for (const { task, extractor, head, abstained } of predictions) {
    const answer = { task, extractor, kind: head?.kind, version: head?.version, abstained };
    logger.debug({ ...fields, ...answer }, 'image predicted');
  }
  for (const { task, extractor, example } of examples) {
    logger.debug(
      { ...fields, task, extractor },
      example === null ? 'example tombstone published' : 'example published',
    );
  }
}

function stepOf({ topic, value }: LogRecord, vectors: { has(topic: string): boolean }): string {
  if (!vectors.has(topic)) return 'label received';
  return value === null ? 'image erased' : 'vector joined';
}
