/** The role `join`: consumes the partitions of labels and vectors. */
import { join } from 'node:path';
import { describeExtractor } from '@headwater/extractors';
import type { PartitionGroup } from '@headwater/log';
import type { ServiceDependencies } from '@headwater/service-kit';
import type { ClassifyConfig } from '../environment.ts';
import type { ServingHeads } from '../model-registry/serving-heads.ts';
import {
  advertisedAddress,
  batchLimits,
  earliestOffset,
  partitionCount,
  placementKey,
} from '../partition-group-options.ts';
import { PartitionMetrics } from '../partition-metrics.ts';
import type { DecisionPolicyOf } from '../predict/decision-policy.ts';
import { createPredictor } from '../predict/predictor.ts';
import { reportStoreSize } from '../store/store-size.ts';
import { StoredPartitions } from '../store/stored-partitions.ts';
import { openStoreRestoring } from '../store-restoring.ts';
import { openJoinCodecs } from './join-codecs.ts';
import { type JoinProcessorOptions, joinIdentity, openJoinProcessor } from './join-processor.ts';
import type { JoinMetrics } from './monitoring/join-metrics.ts';
import { PredictionDelay } from './monitoring/prediction-delay.ts';

export interface JoinRoleOptions {
  readonly serving: ServingHeads;
  readonly rules: DecisionPolicyOf;
  readonly joinMetrics: JoinMetrics;
}

/** Errors: topic-missing, topic-mismatch, schema-incompatible, log-unavailable. */
export async function openJoinRole(
  config: ClassifyConfig,
  dependencies: ServiceDependencies,
  role: JoinRoleOptions,
): Promise<PartitionGroup> {
  const { log, names, metrics, logger } = dependencies;
  const vectors = config.EXTRACTORS.map((extractor) => names.topics.vectors(extractor));
  const topics = [names.topics.labels, ...vectors];
  const partitionMetrics = new PartitionMetrics('join', topics, metrics, logger);
  const group = names.groups.join;
  const processor = await processorOptions(config, dependencies, role, partitionMetrics);
  const { folder, storeMaxAgeMs: maxAgeMs } = processor;
  const stores = StoredPartitions.read({ folder, identity: joinIdentity(processor), maxAgeMs });
  const options = { ...processor, stores };
  reportStoreSize(metrics, 'join', folder);
  return log.openPartitionGroup({
    group,
    topics,
    dependsOn: [names.topics.examples],
    placement: placementKey,
    open: (partition) => openJoinProcessor(options, partition),
    transactionalId: (partition) => names.transactionalId(group, partition),
    deadLetterTopic: names.topics.deadLetters,
    batch: batchLimits(config),
    stored: () => stores.claims(),
    address: advertisedAddress(config),
    observer: partitionMetrics.observer,
  });
}

async function processorOptions(
  config: ClassifyConfig,
  dependencies: ServiceDependencies,
  { serving, rules, joinMetrics }: JoinRoleOptions,
  partitionMetrics: PartitionMetrics,
): Promise<Omit<JoinProcessorOptions, 'stores'>> {
  const { log, names, schemaIds, logger, metrics } = dependencies;
  const group = names.groups.join;
  const { labels, examples, predictions } = names.topics;
  const vectors = new Map(config.EXTRACTORS.map((extractor) => [names.topics.vectors(extractor), extractor]));
  const partitions = {
    inputs: await partitionCount(log, labels),
    examples: await partitionCount(log, examples),
  };
  return {
    group,
    folder: join(config.DATA_DIR, 'join', encodeURIComponent(group)),
    storeMaxAgeMs: config.MAX_STORE_AGE,
    topics: { labels, refusedLabels: names.topics.deadLetters(labels), examples, predictions, vectors },
    codecs: await openJoinCodecs(schemaIds, names),
    partitions,
    limits: { maxTasks: config.MAX_TASKS, maxClasses: config.MAX_CLASSES },
    maxFutureMs: config.MAX_CLOCK_SKEW,
    declaredTasks: config.TASKS,
    predict: createPredictor({ serving, rules, extractors: config.EXTRACTORS, declaredTasks: config.TASKS }),
    dimensions: contractDimensions,
    joinMetrics,
    predictionDelay: new PredictionDelay(metrics),
    partitionMetrics,
    restoring: openStoreRestoring(config, dependencies, {
      role: 'join',
      group,
      partitions: partitions.inputs,
    }),
    logger,
    earliest: (topic, partition) => earliestOffset(log, topic, partition),
  };
}

/** Undefined for extractors of the user, whose contracts are not in the extractor table. */
function contractDimensions(extractor: string): number | undefined {
  try {
    return describeExtractor(extractor).contract.dimensions;
  } catch {
    return undefined;
  }
}
