/** The topics that extract reads and writes, as they are created where they are missing. */
import { type Names, type TopicSpec, topicSpecs } from '@headwater/stream';
import type { ExtractConfig } from './environment.ts';

export function extractTopics(config: ExtractConfig, names: Names): TopicSpec[] {
  const { images, vectors, deadLetters } = names.topics;
  const own = new Set([images, deadLetters(images), vectors(config.EXTRACTOR)]);
  const all = topicSpecs(names, {
    extractors: [config.EXTRACTOR],
    partitions: config.PARTITIONS,
    replicationFactor: config.REPLICATION_FACTOR,
    minInsyncReplicas: config.MIN_INSYNC_REPLICAS,
    retention: { images: config.RETENTION_IMAGES, deadLetters: config.RETENTION_DEAD_LETTERS },
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    maxCompactionLag: config.MAX_COMPACTION_LAG,
  });
  return all.filter(({ name }) => own.has(name));
}
