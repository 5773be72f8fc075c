/** The role `train`: consumes the partitions of `examples`. */
import { join } from 'node:path';
import type { LogRecord, PartitionGroup } from '@headwater/log';
import { openCodec, parseCompositeKey } from '@headwater/schemas';
import type { ServiceDependencies } from '@headwater/service-kit';
import type { ClassifyConfig } from '../environment.ts';
import type { ModelRegistry } from '../model-registry/model-registry.ts';
import {
  advertisedAddress,
  batchLimits,
  earliestOffset,
  endOffset,
  partitionCount,
  placementKey,
} from '../partition-group-options.ts';
import { PartitionMetrics } from '../partition-metrics.ts';
import { reportStoreSize } from '../store/store-size.ts';
import { StoredPartitions } from '../store/stored-partitions.ts';
import { openStoreRestoring } from '../store-restoring.ts';
import type { SettingsOf } from '../task-settings.ts';
import type { OpenTrainingSets } from './examples/open-training-sets.ts';
import { RetainedTrainingSets } from './examples/retained-sets.ts';
import { openTrainProcessor, trainIdentity } from './open-train-processor.ts';
import type { TrainMetrics } from './scoring/train-metrics.ts';
import type { Solver } from './solving/solver.ts';
import type { TrainProcessorOptions } from './train-processor.ts';

export interface TrainRoleOptions {
  readonly registry: ModelRegistry;
  readonly settingsOf: SettingsOf;
  readonly solver: Solver;
  readonly trainMetrics: TrainMetrics;
  readonly openTrainingSets: OpenTrainingSets;
}

/** Errors: topic-missing, schema-incompatible, log-unavailable. */
export async function openTrainRole(
  config: ClassifyConfig,
  dependencies: ServiceDependencies,
  role: TrainRoleOptions,
): Promise<PartitionGroup> {
  const { log, names, metrics, logger } = dependencies;
  const topics = [names.topics.examples];
  const partitionMetrics = new PartitionMetrics('train', topics, metrics, logger);
  const group = names.groups.train;
  const processor = await processorOptions(config, dependencies, role, partitionMetrics);
  const { folder, storeMaxAgeMs: maxAgeMs } = processor;
  const stores = StoredPartitions.read({ folder, identity: trainIdentity(processor), maxAgeMs });
  const options = { ...processor, stores };
  reportStoreSize(metrics, 'train', folder);
  return log.openPartitionGroup({
    group,
    topics,
    placement: placementTask,
    open: (partition) => openTrainProcessor(options, partition),
    transactionalId: (partition) => names.transactionalId(group, partition),
    deadLetterTopic: names.topics.deadLetters,
    batch: batchLimits(config),
    address: advertisedAddress(config),
    idleAfterMs: config.SETTLE_AFTER_MS,
    stored: () => stores.claims(),
    observer: partitionMetrics.observer,
  });
}

function placementTask(record: LogRecord): string | undefined {
  try {
    return parseCompositeKey(placementKey(record)?.toString('utf8') ?? '')[1];
  } catch {
    return undefined;
  }
}

async function processorOptions(
  config: ClassifyConfig,
  dependencies: ServiceDependencies,
  { registry, settingsOf, solver, trainMetrics, openTrainingSets }: TrainRoleOptions,
  partitionMetrics: PartitionMetrics,
): Promise<TrainProcessorOptions> {
  const { log, names, schemaIds, logger, blobs } = dependencies;
  const group = names.groups.train;
  const { examples, heads, serving } = names.topics;
  const partitions = await partitionCount(log, examples);
  return {
    group,
    folder: join(config.DATA_DIR, 'train', encodeURIComponent(group)),
    storeMaxAgeMs: config.MAX_STORE_AGE,
    partitions,
    restoring: openStoreRestoring(config, dependencies, { role: 'train', group, partitions }),
    examplesTopic: examples,
    examples: await openCodec(schemaIds, 'Example', examples),
    settingsOf,
    solver,
    topics: { heads, serving },
    ...registry.codecs,
    blobs,
    table: registry.table,
    extractors: config.EXTRACTORS,
    inlineBytes: config.HEAD_INLINE_BYTES,
    follower: registry.follower,
    trainMetrics,
    openTrainingSets,
    retainedSets: new RetainedTrainingSets(),
    partitionMetrics,
    logger,
    earliest: (topic, partition) => earliestOffset(log, topic, partition),
    end: (topic, partition) => endOffset(log, topic, partition),
  };
}
