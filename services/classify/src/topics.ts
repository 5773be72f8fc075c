/** The topics that classify reads and writes. */
import { type LogAdmin, type Logger, type Names, topicSpecs } from '@headwater/log';
import { prepareTopics, topicOptions, warnOfReplication } from '@headwater/service-kit';
import type { ClassifyConfig } from './environment.ts';

/** Errors: topic-missing, topic-mismatch. */
export async function prepareClassifyTopics(
  config: ClassifyConfig,
  names: Names,
  admin: LogAdmin,
  logger: Logger,
): Promise<void> {
  const own = new Set(ownTopics(config, names));
  const specs = topicSpecs(names, topicOptions(config, config.EXTRACTORS)).filter(({ name }) =>
    own.has(name),
  );
  await prepareTopics(admin, specs, config.TOPICS_CREATE);
  await warnOfReplication(admin, own, logger);
}

function ownTopics({ EXTRACTORS }: ClassifyConfig, { topics }: Names): string[] {
  const vectors = EXTRACTORS.map((extractor) => topics.vectors(extractor));
  const read = [topics.labels, topics.examples, ...vectors];
  return [
    ...read,
    ...read.map((topic) => topics.deadLetters(topic)),
    topics.predictions,
    topics.heads,
    topics.serving,
  ];
}
