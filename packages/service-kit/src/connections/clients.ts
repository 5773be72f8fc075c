/** Names, topic settings and schema ids from the configuration. */
import { HeadwaterError } from '@headwater/errors';
import {
  createNames,
  type LogAdmin,
  type Names,
  type TopicSpec,
  type TopicSpecsOptions,
} from '@headwater/log';
import { createFingerprintIds, createRegistryIds, type SchemaIds } from '@headwater/schemas';
import type { CommonConfig } from '../configuration/common-environment.ts';

export function namesOf(config: CommonConfig): Names {
  return createNames({
    topicPrefix: config.TOPIC_PREFIX,
    groupPrefix: config.GROUP_PREFIX,
    transactionalIdPrefix: config.TRANSACTIONAL_ID_PREFIX,
    topics: {
      images: config.TOPIC_IMAGES,
      labels: config.TOPIC_LABELS,
      vectors: config.TOPIC_VECTORS,
      examples: config.TOPIC_EXAMPLES,
      heads: config.TOPIC_HEADS,
      serving: config.TOPIC_SERVING,
      predictions: config.TOPIC_PREDICTIONS,
      deadLetters: config.TOPIC_DEAD_LETTERS_SUFFIX,
    },
    groups: { extract: config.GROUP_EXTRACT, join: config.GROUP_JOIN, train: config.GROUP_TRAIN },
  });
}

/** Options of `topicSpecs`. */
export function topicOptions(config: CommonConfig, extractors: readonly string[]): TopicSpecsOptions {
  return {
    extractors,
    partitions: config.PARTITIONS,
    replicationFactor: config.REPLICATION_FACTOR,
    minInsyncReplicas: config.MIN_INSYNC_REPLICAS,
    retention: {
      images: config.RETENTION_IMAGES,
      labels: config.RETENTION_LABELS,
      predictions: config.RETENTION_PREDICTIONS,
      deadLetters: config.RETENTION_DEAD_LETTERS,
    },
    maxMessageBytes: config.MAX_MESSAGE_BYTES,
    maxCompactionLag: config.MAX_COMPACTION_LAG,
  };
}

/**
 * Creates missing topics; without `create`, reports all of them with their settings. Existing topics keep their
 * partitions, and new ones get the same count: vectors of a new extractor must be co-partitioned with existing labels.
 * Errors: topic-missing, topic-mismatch.
 */
export async function prepareTopics(
  admin: LogAdmin,
  specs: readonly TopicSpec[],
  create: boolean,
): Promise<void> {
  const found = await Promise.all(
    specs.map(async (spec) => ({ spec, partitions: await admin.partitions(spec.name) })),
  );
  const fitted = found.map(({ spec, partitions }) => ({
    ...spec,
    partitions: spec.isSingle
      ? spec.partitions
      : (partitions ?? siblingPartitions(spec, found) ?? spec.partitions),
  }));
  const missing = fitted.filter((_, index) => found[index]?.partitions === undefined);
  if (!create && missing.length > 0) throw missingTopics(missing);
  await admin.ensureTopics(fitted, { create });
}

/** Partition count of the existing co-partitioned topics; undefined when there are none or they differ. */
function siblingPartitions(
  spec: TopicSpec,
  found: readonly { readonly spec: TopicSpec; readonly partitions: number | undefined }[],
): number | undefined {
  const siblings = found.filter(({ spec: other }) => !other.isSingle && other.partitions === spec.partitions);
  const counts = new Set(siblings.flatMap(({ partitions }) => partitions ?? []));
  return counts.size === 1 ? [...counts][0] : undefined;
}

function missingTopics(missing: readonly TopicSpec[]): HeadwaterError {
  return new HeadwaterError(
    'topic-missing',
    `missing topics, and TOPICS_CREATE is false; create them with these settings:\n${missing.map(describe).join('\n')}`,
    { context: { topics: missing.map((spec) => spec.name).join(', ') } },
  );
}

function describe({ name, partitions, settings }: TopicSpec): string {
  const written = Object.entries(settings).map(([setting, value]) => `${setting}=${value}`);
  return `  ${name}: ${partitions} partitions, ${written.join(', ')}`;
}

/** Schema ids from the registry if there is one, otherwise derived from the schemas. */
export function openSchemaIds(config: CommonConfig): SchemaIds {
  const url = config.SCHEMA_REGISTRY_URL;
  if (url === undefined) return createFingerprintIds();
  return createRegistryIds({
    url,
    ...(config.SCHEMA_REGISTRY_USERNAME === undefined ? {} : { username: config.SCHEMA_REGISTRY_USERNAME }),
    ...(config.SCHEMA_REGISTRY_PASSWORD === undefined ? {} : { password: config.SCHEMA_REGISTRY_PASSWORD }),
  });
}
