/** End offsets of the topics before a run, so that its audit counts the records of this run alone. */
import type { LogAdmin, Names } from '@headwater/log';
import type { StartOffsets } from '../audit/topic-reader.ts';

export async function readStartOffsets(
  admin: LogAdmin,
  { topics }: Names,
  extractor: string,
): Promise<StartOffsets> {
  const written = [topics.images, topics.labels, topics.vectors(extractor), topics.predictions];
  const dead = [topics.images, topics.labels, topics.vectors(extractor)].map(topics.deadLetters);
  const start = new Map<string, readonly bigint[]>();
  for (const topic of [...written, ...dead]) {
    if ((await admin.partitions(topic)) === undefined) continue;
    start.set(
      topic,
      (await admin.offsets(topic)).map(({ high }) => high),
    );
  }
  return start;
}
