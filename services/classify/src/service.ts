/** Classify as a service: heads are followed first, then the partitions open, then the API; it ends the other way round. */
import { asHeadwaterError } from '@headwater/errors';
import { extractorIds } from '@headwater/extractors';
import { checkExposure, listenHttp } from '@headwater/http';
import { type LogProducer, type PartitionGroup, partitionFor, waitAtMost } from '@headwater/log';
import { openCodec } from '@headwater/schemas';
import {
  type Health,
  type Service,
  type ServiceDependencies,
  type StartService,
  stopBudget,
} from '@headwater/service-kit';
import type { FastifyInstance } from 'fastify';
import { filesById, LazyExtractors } from './api/lazy-extractors.ts';
import { createHttp } from './api/server.ts';
import { TaskViews } from './api/task-views.ts';
import { type ConfiguredFiles, openConfiguredFiles } from './configured-files.ts';
import type { ClassifyConfig } from './environment.ts';
import { JoinMetrics } from './join/monitoring/join-metrics.ts';
import { JoinReader } from './join/monitoring/join-reader.ts';
import { followHeads } from './model-registry/heads-follower.ts';
import { HeadsTable } from './model-registry/heads-table.ts';
import { ServingHeads } from './model-registry/serving-heads.ts';
import { DecisionPolicyCheck } from './predict/decision-policy-check.ts';
import { Reviewer } from './review/reviewer.ts';
import { openJoin, openTrain, type Shared } from './roles.ts';
import { prepareClassifyTopics } from './topics.ts';
import { OpenTrainingSets } from './train/examples/open-training-sets.ts';
import { TrainMetrics } from './train/scoring/train-metrics.ts';
import { type Solver, startSolver } from './train/solving/solver.ts';

interface Api {
  readonly url: string;
  close(): Promise<void>;
}

/** What runs, in the order in which it was started. */
interface Running {
  readonly shared: Shared;
  readonly groups: readonly PartitionGroup[];
  readonly solver: Solver | undefined;
  readonly api: Api | undefined;
}

/**
 * Starts the roles of ROLES; resolves when their partitions are assigned and open.
 * Errors: topic-missing, topic-mismatch, schema-incompatible, store-unavailable, log-unavailable.
 */
export const startClassify: StartService<ClassifyConfig> = async (config, dependencies) => {
  if (config.ROLES.includes('api')) checkExposure(config);
  const setReady = dependencies.health.part('classify');
  setReady(false, 'starting');
  const shared = await openShared(config, dependencies);
  const plays = (role: string) => config.ROLES.includes(role);
  const groups: PartitionGroup[] = [];
  let solver: Solver | undefined;
  let api: Api | undefined;
  try {
    solver = plays('train') ? startSolver() : undefined;
    if (solver !== undefined) groups.push(await openTrain(shared, solver));
    if (plays('join')) groups.push(await openJoin(shared));
    await Promise.all(groups.map((group) => Promise.race([group.ready, group.stopped])));
    api = plays('api') ? await openApi(shared) : undefined;
    return serviceOf({ shared, groups, solver, api }, setReady);
  } catch (error) {
    await stop({ shared, groups, solver, api });
    throw error;
  }
};

/** An extractor of the user's own is fine; a typing error is told. */
function warnOfUnknownExtractors(
  config: ClassifyConfig,
  { extractorFiles }: ConfiguredFiles,
  { logger }: ServiceDependencies,
): void {
  const known = [...extractorIds(), ...extractorFiles.keys()];
  for (const extractor of config.EXTRACTORS.filter((id) => !known.includes(id))) {
    logger.warn({ extractor }, 'no such extractor here (EXTRACTOR_FILES); only its vectors can be read');
  }
}

async function openShared(config: ClassifyConfig, dependencies: ServiceDependencies): Promise<Shared> {
  const files = await openConfiguredFiles(config);
  const { rules, settingsOf } = files;
  warnOfUnknownExtractors(config, files, dependencies);
  const { log, names, schemaIds, blobs, logger, metrics } = dependencies;
  const check = new DecisionPolicyCheck(rules, logger);
  await prepareClassifyTopics(config, names, log.admin, logger);
  const { heads: headsTopic, serving: servingTopic } = names.topics;
  const codecs = {
    heads: await openCodec(schemaIds, 'HeadTrained', headsTopic),
    serving: await openCodec(schemaIds, 'HeadActivated', servingTopic),
  };
  const topics = { heads: headsTopic, serving: servingTopic };
  const table = new HeadsTable({
    topics,
    ...codecs,
    logger,
    ...(config.ROLES.includes('train')
      ? { forgotten: (uri: string) => void deleteBlob(uri, dependencies) }
      : {}),
  });
  const swaps = metrics.counter('headwater_head_swaps_total', 'Heads that began to serve in this process', [
    'task',
  ]);
  const serving = new ServingHeads({
    table,
    log,
    headsTopic,
    codec: codecs.heads,
    blobs,
    logger,
    swapped: (head) => {
      const { task, version } = head;
      swaps.add(1, { task });
      const isSettled = table.head(head, version)?.mode === 'settled';
      if (isSettled) check.checkHead(task, version, head.classifier.classes);
    },
  });
  const follower = await followHeads({ log, topics, table, serving });
  check.checkTasks(new Set([...config.TASKS, ...table.tasks()]));
  const joinMetrics = new JoinMetrics(metrics);
  const trainMetrics = new TrainMetrics(metrics);
  return {
    config,
    dependencies,
    codecs,
    table,
    serving,
    follower,
    joinMetrics,
    trainMetrics,
    rules,
    settingsOf,
    openTrainingSets: new OpenTrainingSets(),
  };
}

/** No head needs it any more; where it cannot be deleted now, nobody will try again, and the log says so. */
async function deleteBlob(uri: string, { blobs, logger }: ServiceDependencies): Promise<void> {
  try {
    await blobs.delete(uri);
  } catch (error) {
    logger.error({ uri, reason: String(error) }, 'parameters of a head that is gone could not be deleted');
  }
}

async function openApi(shared: Shared): Promise<Api> {
  const {
    config,
    dependencies,
    codecs,
    table,
    serving,
    joinMetrics,
    trainMetrics,
    rules,
    settingsOf,
    openTrainingSets,
  } = shared;
  const { log, names, logger, metrics } = dependencies;
  const partitions = (await log.admin.partitions(names.topics.examples)) ?? 1;
  const reviewer = new Reviewer({
    sets: openTrainingSets,
    partitionOf: (task) => partitionFor(task, partitions),
    newestHead: (extractor, task) => table.newest({ extractor, task, kind: 'lda' }),
    settingsOf,
  });
  const files = await filesById(config.EXTRACTOR_FILES);
  const join = new JoinReader(
    () => joinMetrics.partitions(),
    (await log.admin.partitions(names.topics.labels)) ?? 1,
  );
  const producer = await log.openProducer();
  const limits = { maxBytes: config.MAX_IMAGE_BYTES, maxPixels: config.MAX_IMAGE_PIXELS };
  const extractors = new LazyExtractors(limits, files);
  const app = await createHttp({
    config,
    views: new TaskViews({
      table,
      serving,
      joinMetrics,
      trainMetrics,
      declaredTasks: config.TASKS,
      coverage: () => join.coverage(),
      trainsHere: (task) => openTrainingSets.has(partitionFor(task, partitions)),
    }),
    join,
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
  });
  const close = () => {
    reviewer.close();
    return closeApi(app, extractors, producer);
  };
  try {
    return { url: await listenHttp(app, config), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function closeApi(
  app: FastifyInstance,
  extractors: LazyExtractors,
  producer: LogProducer,
): Promise<void> {
  await app.close();
  await extractors.close();
  await producer.close();
}

function serviceOf(running: Running, setReady: ReturnType<Health['part']>): Service {
  const { shared, api } = running;
  const { health, logger } = shared.dependencies;
  setReady(true);
  logger.info({ roles: shared.config.ROLES.join(), url: api?.url }, 'classify is ready');
  let stopping: Promise<void> | undefined;
  const stopped = watch(running).catch((error: unknown) => {
    health.fail(asHeadwaterError(error).message);
    setReady(false, 'stopped');
    throw error;
  });
  stopped.catch(() => undefined);
  return {
    name: 'classify',
    ...(api === undefined ? {} : { url: api.url }),
    stopped,
    stop: () => {
      setReady(false, 'stopping');
      stopping ??= stop(running);
      return stopping;
    },
  };
}

/** Rejects as soon as one part cannot go on; resolves when all have ended. */
async function watch({ shared, groups }: Running): Promise<void> {
  await Promise.all([shared.follower.stopped, ...groups.map((group) => group.stopped)]);
}

/** Shares of the time of a stop; the rest is for the threads of the solver. */
const stopShares = { api: 0.15, groups: 0.6, follower: 0.15 };

async function stop({ shared, groups, solver, api }: Running): Promise<void> {
  const { config, dependencies, follower } = shared;
  const graceMs = stopBudget(config.STOP_GRACE).service;
  await waitAtMost(stopShares.api * graceMs, Promise.resolve(api?.close())).catch((error: unknown) => {
    dependencies.logger.warn({ error }, 'the HTTP interface was not closed in order');
  });
  await Promise.all(groups.map((group) => group.close({ graceMs: stopShares.groups * graceMs })));
  await solver?.close();
  await waitAtMost(stopShares.follower * graceMs, follower.close());
}
