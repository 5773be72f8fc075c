/** Specifications of the topics that extract reads and writes. */
import { type Names, type TopicSpec, topicSpecs } from '@headwater/log';
import { topicOptions } from '@headwater/service-kit';
import type { ExtractConfig } from './environment.ts';

/** `extractor` is the id. */
export function extractTopics(config: ExtractConfig, names: Names, extractor: string): TopicSpec[] {
  const { images, vectors, deadLetters } = names.topics;
  const own = new Set([images, deadLetters(images), vectors(extractor)]);
  return topicSpecs(names, topicOptions(config, [extractor])).filter(({ name }) => own.has(name));
}
