/** The role `api`: the HTTP interface over the registry, and over join and train where they run in this process. */
import { listenHttp, openPeers } from '@headwater/http';
import { type LogProducer, partitionFor } from '@headwater/log';
import type { ServiceDependencies } from '@headwater/service-kit';
import type { FastifyInstance } from 'fastify';
import type { ClassifyConfig } from '../environment.ts';
import type { JoinMetrics } from '../join/monitoring/join-metrics.ts';
import { JoinReader } from '../join/monitoring/join-reader.ts';
import type { ModelRegistry } from '../model-registry/model-registry.ts';
import { Installation } from '../peers/installation.ts';
import { LocalAnswers } from '../peers/local-answers.ts';
import type { DecisionPolicyOf } from '../predict/decision-policy.ts';
import { Reviewer } from '../review/reviewer.ts';
import type { SettingsOf } from '../task-settings.ts';
import type { OpenTrainingSets } from '../train/examples/open-training-sets.ts';
import type { TrainMetrics } from '../train/scoring/train-metrics.ts';
import { requireHead } from './classify-route.ts';
import { LazyExtractors } from './lazy-extractors.ts';
import { createHttp } from './server.ts';
import { TaskViews } from './task-views.ts';

export interface Api {
  readonly url: string;
  close(): Promise<void>;
}

export interface ApiRoleOptions {
  readonly registry: ModelRegistry;
  readonly rules: DecisionPolicyOf;
  readonly settingsOf: SettingsOf;
  /** By id; of EXTRACTOR_FILES. */
  readonly extractorFiles: ReadonlyMap<string, string>;
  /** The metrics and the sets are empty where their role runs in another process. */
  readonly joinMetrics: JoinMetrics;
  readonly trainMetrics: TrainMetrics;
  readonly openTrainingSets: OpenTrainingSets;
}

/** Resolves when the port is open. Errors: config-invalid, log-unavailable. */
export async function openApiRole(
  config: ClassifyConfig,
  { log, names, logger, metrics, tracing }: ServiceDependencies,
  {
    registry,
    rules,
    settingsOf,
    extractorFiles,
    joinMetrics,
    trainMetrics,
    openTrainingSets,
  }: ApiRoleOptions,
): Promise<Api> {
  const { codecs, table, serving } = registry;
  const partitions = (await log.admin.partitions(names.topics.examples)) ?? 1;
  const reviewer = new Reviewer({
    sets: openTrainingSets,
    partitionOf: (task) => partitionFor(task, partitions),
    newestHead: (extractor, task) => table.newest({ extractor, task, kind: 'lda' }),
    settingsOf,
  });
  const joinPartitions = (await log.admin.partitions(names.topics.labels)) ?? 1;
  const join = new JoinReader(() => joinMetrics.partitions(), joinPartitions);
  const producer = await log.openProducer();
  const limits = { maxBytes: config.MAX_IMAGE_BYTES, maxPixels: config.MAX_IMAGE_PIXELS };
  const extractors = new LazyExtractors(limits, extractorFiles);
  const views = new TaskViews({
    table,
    serving,
    joinMetrics,
    trainMetrics,
    declaredTasks: config.TASKS,
    coverage: () => join.coverage(),
    trainsHere: (task) => openTrainingSets.has(partitionFor(task, partitions)),
  });
  const { HTTP_ADVERTISED_URL: self, PEER_SECRET: secret } = config;
  const local = new LocalAnswers({
    joinMetrics,
    join,
    trainMetrics,
    openTrainingSets,
    requireHead: (task) => requireHead({ views, serving }, task),
  });
  const groups = [names.groups.join, names.groups.train];
  const peers =
    self === undefined ? undefined : await openPeers(config, { admin: log.admin, self, groups, logger });
  const installation = new Installation({
    peers,
    local,
    views,
    groups: names.groups,
    partitions: { join: joinPartitions, train: partitions },
  });
  const app = await createHttp({
    config,
    peers: self === undefined || secret === undefined ? undefined : { url: self, secret },
    views,
    local,
    installation,
    reviewer,
    trainMetrics,
    serving,
    settingsOf,
    extractors,
    maxImageBytes: config.MAX_IMAGE_BYTES,
    rules,
    producer,
    servingTopic: names.topics.serving,
    codec: codecs.serving,
    logger,
    metrics,
    tracing,
  });
  const close = () => {
    reviewer.close();
    peers?.close();
    return closeAll(app, extractors, producer);
  };
  try {
    return { url: await listenHttp(app, config), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function closeAll(
  app: FastifyInstance,
  extractors: LazyExtractors,
  producer: LogProducer,
): Promise<void> {
  await app.close();
  await extractors.close();
  await producer.close();
}
