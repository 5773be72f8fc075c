/** The topics that extract reads and writes, as they are created where they are missing. */
import { type Names, type TopicSpec, topicOptions, topicSpecs } from '@headwater/stream';
import type { ExtractConfig } from './environment.ts';

export function extractTopics(config: ExtractConfig, names: Names): TopicSpec[] {
  const { images, vectors, deadLetters } = names.topics;
  const own = new Set([images, deadLetters(images), vectors(config.EXTRACTOR)]);
  return topicSpecs(names, topicOptions(config, [config.EXTRACTOR])).filter(({ name }) => own.has(name));
}
