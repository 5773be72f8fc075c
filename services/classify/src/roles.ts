/** Opens the partitions of each role with what they need from the configuration. */
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { describeExtractor } from '@headwater/extractors';
import { type Log, type LogRecord, type PartitionGroup, sourceHeaders } from '@headwater/log';
import {
  type Codec,
  type HeadActivated,
  type HeadTrained,
  openCodec,
  parseCompositeKey,
} from '@headwater/schemas';
import type { ServiceDependencies } from '@headwater/service-kit';
import type { ClassifyConfig } from './environment.ts';
import { openJoinCodecs } from './join/join-codecs.ts';
import { type JoinProcessorOptions, openJoinProcessor } from './join/join-processor.ts';
import type { JoinMetrics } from './join/monitoring/join-metrics.ts';
import type { HeadsFollower } from './model-registry/heads-follower.ts';
import type { HeadsTable } from './model-registry/heads-table.ts';
import type { ServingHeads } from './model-registry/serving-heads.ts';
import { PartitionMetrics } from './partition-metrics.ts';
import type { DecisionPolicyOf } from './predict/decision-policy.ts';
import { createPredictor } from './predict/predictor.ts';
import type { SettingsOf } from './task-settings.ts';
import type { OpenTrainingSets } from './train/examples/open-training-sets.ts';
import { RetainedTrainingSets } from './train/examples/retained-sets.ts';
import type { TrainMetrics } from './train/scoring/train-metrics.ts';
import type { Solver } from './train/solving/solver.ts';
import { openTrainProcessor, type TrainProcessorOptions } from './train/train-processor.ts';

/** What the roles of one process share. */
export interface Shared {
  readonly config: ClassifyConfig;
  readonly dependencies: ServiceDependencies;
  readonly codecs: { readonly heads: Codec<HeadTrained>; readonly serving: Codec<HeadActivated> };
  readonly table: HeadsTable;
  readonly serving: ServingHeads;
  readonly follower: HeadsFollower;
  readonly joinMetrics: JoinMetrics;
  readonly trainMetrics: TrainMetrics;
  readonly rules: DecisionPolicyOf;
  readonly settingsOf: SettingsOf;
  readonly openTrainingSets: OpenTrainingSets;
}

/** Errors: topic-missing, topic-mismatch, schema-incompatible, log-unavailable. */
export async function openJoin(shared: Shared): Promise<PartitionGroup> {
  const { config, dependencies } = shared;
  const { log, names, metrics, logger } = dependencies;
  const vectors = config.EXTRACTORS.map((extractor) => names.topics.vectors(extractor));
  const topics = [names.topics.labels, ...vectors];
  const partitionMetrics = new PartitionMetrics('join', topics, metrics, logger);
  const group = names.groups.join;
  const options = await joinOptions(shared, group, partitionMetrics);
  return log.openPartitionGroup({
    group,
    topics,
    dependsOn: [names.topics.examples],
    placement: placementKey,
    open: (partition) => openJoinProcessor(options, partition),
    transactionalId: (partition) => names.transactionalId(group, partition),
    deadLetterTopic: names.topics.deadLetters,
    batch: batchLimits(config),
    observer: partitionMetrics.observer,
  });
}

/** Errors: topic-missing, schema-incompatible, log-unavailable. */
export async function openTrain(shared: Shared, solver: Solver): Promise<PartitionGroup> {
  const { config, dependencies } = shared;
  const { log, names, metrics, logger } = dependencies;
  const topics = [names.topics.examples];
  const partitionMetrics = new PartitionMetrics('train', topics, metrics, logger);
  const group = names.groups.train;
  const options = await trainOptions(shared, group, solver, partitionMetrics);
  return log.openPartitionGroup({
    group,
    topics,
    placement: placementTask,
    open: (partition) => openTrainProcessor(options, partition),
    transactionalId: (partition) => names.transactionalId(group, partition),
    deadLetterTopic: names.topics.deadLetters,
    batch: batchLimits(config),
    idleAfterMs: config.SETTLE_AFTER_MS,
    observer: partitionMetrics.observer,
  });
}

/** What Headwater wrote names its source; other producers may have another partitioner. */
function placementKey({ key, headers }: LogRecord): Buffer | undefined {
  return key === null || headers[sourceHeaders.topic] === undefined ? undefined : key;
}

function placementTask(record: LogRecord): string | undefined {
  try {
    return parseCompositeKey(placementKey(record)?.toString('utf8') ?? '')[1];
  } catch {
    return undefined;
  }
}

async function joinOptions(
  shared: Shared,
  group: string,
  partitionMetrics: PartitionMetrics,
): Promise<JoinProcessorOptions> {
  const { config, dependencies, serving, rules, joinMetrics } = shared;
  const { log, names, schemaIds, logger } = dependencies;
  const { labels, examples, predictions } = names.topics;
  const vectors = new Map(config.EXTRACTORS.map((extractor) => [names.topics.vectors(extractor), extractor]));
  return {
    group,
    folder: join(config.DATA_DIR, 'join', encodeURIComponent(group)),
    storeMaxAgeMs: config.MAX_STORE_AGE,
    topics: { labels, refusedLabels: names.topics.deadLetters(labels), examples, predictions, vectors },
    codecs: await openJoinCodecs(schemaIds, names),
    partitions: { inputs: await partitionsOf(log, labels), examples: await partitionsOf(log, examples) },
    limits: { maxTasks: config.MAX_TASKS, maxClasses: config.MAX_CLASSES },
    maxFutureMs: config.MAX_CLOCK_SKEW,
    declaredTasks: config.TASKS,
    predict: createPredictor({ serving, rules, extractors: config.EXTRACTORS, declaredTasks: config.TASKS }),
    dimensions: contractDimensions,
    board: joinMetrics,
    partitionMetrics,
    logger,
    earliest: (topic, partition) => lowest(log, topic, partition),
  };
}

async function trainOptions(
  shared: Shared,
  group: string,
  solver: Solver,
  partitionMetrics: PartitionMetrics,
): Promise<TrainProcessorOptions> {
  const { config, dependencies, codecs, table, follower, trainMetrics } = shared;
  const { log, names, schemaIds, logger, blobs } = dependencies;
  const { examples, heads, serving } = names.topics;
  return {
    group,
    folder: join(config.DATA_DIR, 'train', encodeURIComponent(group)),
    storeMaxAgeMs: config.MAX_STORE_AGE,
    partitions: await partitionsOf(log, examples),
    examplesTopic: examples,
    examples: await openCodec(schemaIds, 'Example', examples),
    settingsOf: shared.settingsOf,
    solver,
    topics: { heads, serving },
    ...codecs,
    blobs,
    table,
    extractors: config.EXTRACTORS,
    inlineBytes: config.HEAD_INLINE_BYTES,
    follower,
    board: trainMetrics,
    openTrainingSets: shared.openTrainingSets,
    retainedSets: new RetainedTrainingSets(),
    partitionMetrics,
    logger,
    earliest: (topic, partition) => lowest(log, topic, partition),
    end: async (topic, partition) => (await log.admin.offsets(topic))[partition]?.high ?? 0n,
  };
}

/** Extractors of the user's own are not in the table: their vectors are as their schema says. */
function contractDimensions(extractor: string): number | undefined {
  try {
    return describeExtractor(extractor).contract.dimensions;
  } catch {
    return undefined;
  }
}

async function partitionsOf(log: Log, topic: string): Promise<number> {
  const count = await log.admin.partitions(topic);
  if (count === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
  return count;
}

async function lowest(log: Log, topic: string, partition: number): Promise<bigint> {
  return (await log.admin.offsets(topic))[partition]?.low ?? 0n;
}

function batchLimits({ RECORDS_PER_COMMIT, BATCH_LINGER, COMMIT_REST }: ClassifyConfig) {
  return { maxRecords: RECORDS_PER_COMMIT, lingerMs: BATCH_LINGER, restMs: COMMIT_REST };
}
