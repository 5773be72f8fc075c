/** Classify as a service: follows the heads, opens the partitions, then the API; stops in the reverse order. */
import { asHeadwaterError } from '@headwater/errors';
import { extractorIds } from '@headwater/extractors';
import { checkExposure } from '@headwater/http';
import { type PartitionGroup, waitAtMost } from '@headwater/log';
import {
  type Health,
  type Service,
  type ServiceDependencies,
  type StartService,
  stopBudget,
} from '@headwater/service-kit';
import { type Api, openApiRole } from './api/api-role.ts';
import { type ConfiguredFiles, openConfiguredFiles } from './configured-files.ts';
import type { ClassifyConfig } from './environment.ts';
import { openJoinRole } from './join/join-role.ts';
import { JoinMetrics } from './join/monitoring/join-metrics.ts';
import { type ModelRegistry, openModelRegistry } from './model-registry/model-registry.ts';
import { DecisionPolicyCheck } from './predict/decision-policy-check.ts';
import { prepareClassifyTopics } from './topics.ts';
import { OpenTrainingSets } from './train/examples/open-training-sets.ts';
import { TrainMetrics } from './train/scoring/train-metrics.ts';
import { type Solver, startSolver } from './train/solving/solver.ts';
import { openTrainRole } from './train/train-role.ts';

/** The parts of the service, in the order in which they start. */
interface Running {
  readonly config: ClassifyConfig;
  readonly dependencies: ServiceDependencies;
  readonly registry: ModelRegistry;
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
  const plays = (role: ClassifyConfig['ROLES'][number]) => config.ROLES.includes(role);
  const files = await openConfiguredFiles(config);
  const { rules, settingsOf, extractorFiles } = files;
  warnOfUnknownExtractors(config, files, dependencies);
  const registry = await openRegistry(config, dependencies, rules);
  const joinMetrics = new JoinMetrics(dependencies.metrics);
  const trainMetrics = new TrainMetrics(dependencies.metrics);
  const openTrainingSets = new OpenTrainingSets();
  const groups: PartitionGroup[] = [];
  let solver: Solver | undefined;
  let api: Api | undefined;
  try {
    if (plays('train')) {
      solver = startSolver();
      const train = { registry, settingsOf, solver, trainMetrics, openTrainingSets };
      groups.push(await openTrainRole(config, dependencies, train));
    }
    if (plays('join')) {
      const { serving } = registry;
      groups.push(await openJoinRole(config, dependencies, { serving, rules, joinMetrics }));
    }
    await Promise.all(groups.map((group) => Promise.race([group.ready, group.stopped])));
    if (plays('api')) {
      const views = { joinMetrics, trainMetrics, openTrainingSets };
      const options = { registry, rules, settingsOf, extractorFiles, ...views };
      api = await openApiRole(config, dependencies, options);
    }
    return serviceOf({ config, dependencies, registry, groups, solver, api }, setReady);
  } catch (error) {
    await stop({ config, dependencies, registry, groups, solver, api });
    throw error;
  }
};

/** An extractor of the user is no error, but a misspelt one must be seen. */
function warnOfUnknownExtractors(
  config: ClassifyConfig,
  { extractorFiles }: ConfiguredFiles,
  { logger }: ServiceDependencies,
): void {
  const known = [...extractorIds(), ...extractorFiles.keys()];
  for (const extractor of config.EXTRACTORS.filter((id) => !known.includes(id))) {
    logger.warn({ extractor }, 'unknown extractor; add its file to EXTRACTOR_FILES to classify images');
  }
}

async function openRegistry(
  config: ClassifyConfig,
  dependencies: ServiceDependencies,
  rules: ConfiguredFiles['rules'],
): Promise<ModelRegistry> {
  const { log, names, logger } = dependencies;
  const check = new DecisionPolicyCheck(rules, logger);
  await prepareClassifyTopics(config, names, log.admin, logger);
  const registry = await openModelRegistry(dependencies, {
    deletesBlobs: config.ROLES.includes('train'),
    settledServes: ({ task, version, classifier }) => check.checkHead(task, version, classifier.classes),
  });
  check.checkTasks(new Set([...config.TASKS, ...registry.table.tasks()]));
  return registry;
}

function serviceOf(running: Running, setReady: ReturnType<Health['part']>): Service {
  const { config, dependencies, api } = running;
  const { health, logger } = dependencies;
  setReady(true);
  logger.info({ roles: config.ROLES.join(), url: api?.url }, 'classify is ready');
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

/** Rejects as soon as one part fails; resolves when all have ended. */
async function watch({ registry, groups }: Running): Promise<void> {
  await Promise.all([registry.follower.stopped, ...groups.map((group) => group.stopped)]);
}

/** Shares of the stop budget; the rest is for the threads of the solver. */
const stopShares = { api: 0.15, groups: 0.6, follower: 0.15 };

async function stop({ config, dependencies, registry, groups, solver, api }: Running): Promise<void> {
  const graceMs = stopBudget(config.STOP_GRACE).service;
  await waitAtMost(stopShares.api * graceMs, Promise.resolve(api?.close())).catch((error: unknown) => {
    dependencies.logger.warn({ error }, 'cannot close the HTTP server');
  });
  await Promise.all(groups.map((group) => group.close({ graceMs: stopShares.groups * graceMs })));
  await solver?.close();
  await waitAtMost(stopShares.follower * graceMs, registry.follower.close());
}
