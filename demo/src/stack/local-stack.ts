/**
 * The local stack of a run: data folder, log, topics and the three services. They are opened in this order and
 * closed in the opposite one, even after an error.
 */
import {
  createKafkaLog,
  createMemoryLog,
  type Log,
  type Logger,
  type Names,
  topicSpecs,
} from '@headwater/log';
import type { SchemaIds } from '@headwater/schemas';
import {
  adminAccess,
  createHealth,
  createMetrics,
  createToken,
  type Environment,
  kafkaOptions,
  type Lifecycle,
  type Metrics,
  namesOf,
  observeProducing,
  openBlobs,
  openSchemaIds,
  openTracing,
  prepareTopics,
  probeKafka,
  reportBuild,
  reportDisk,
  startAdminServer,
  stopBudget,
  topicOptions,
  tracingOptionsOf,
} from '@headwater/service-kit';
import { type Broker, openBroker } from './broker.ts';
import { openDataFolder } from './data-folder.ts';
import { createRunPrefix, runEnvironment } from './environment.ts';
import { readServiceConfigs, type ServiceConfigs, startServices } from './services.ts';

interface LocalStackOptions {
  /** The user's environment. */
  readonly environment: Environment;
  readonly extractor: string;
  /** The file of a user's own extractor. */
  readonly extractorFile: string | undefined;
  readonly task: string;
  readonly partitions: number | undefined;
  /** Number of local brokers; undefined: one. */
  readonly brokers: number | undefined;
  readonly dataDir: string | undefined;
  /** The run ends by itself: its data is deleted, and its topics and groups on the user's cluster too. */
  readonly throwAway: boolean;
  /** Keeps the data folder and the topics of a temporary run. */
  readonly keep: boolean;
  readonly logger: Logger;
  readonly say: (line: string) => void;
}

export interface LocalStack {
  readonly log: Log;
  readonly names: Names;
  readonly schemaIds: SchemaIds;
  readonly configs: ServiceConfigs;
  readonly dataDir: string;
  /** The run's own token where AUTH_TOKENS is set; it is valid in this process alone. */
  readonly ingestToken: string | undefined;
  readonly urls: { readonly ingest: string; readonly classify: string; readonly admin: string };
  /** Rejects when a service or a local broker fails. */
  readonly stopped: Promise<unknown>;
}

/**
 * After an error the caller closes the lifecycle, which has the parts that were opened.
 * Errors: config-invalid, prerequisite-missing, local-kafka-failed, and those of the services.
 */
export async function openLocalStack(options: LocalStackOptions, lifecycle: Lifecycle): Promise<LocalStack> {
  const { environment: user, throwAway, keep, logger, say } = options;
  const folder = await lifecycle.open({
    name: 'the data folder',
    open: () => openDataFolder({ given: options.dataDir ?? user.DATA_DIR, throwAway, keep }),
    close: (opened) => opened.discard(),
  });
  const usesForeignCluster = throwAway && (user.KAFKA_BROKERS ?? '') !== '' && !forbidsTopicCreation(user);
  const prefix = usesForeignCluster ? createRunPrefix() : undefined;
  if (prefix !== undefined) say(`topics, groups and transactional ids of this run start with ${prefix}…`);
  const environment = runEnvironment({
    ...options,
    user,
    brokers: [],
    brokerCount: options.brokers,
    dataDir: folder.path,
    prefix,
  });
  const { configs, ingestToken } = issueIngestToken(
    await readServiceConfigs(environment, { usualPorts: !throwAway }),
  );
  const broker = await lifecycle.open({
    name: 'Kafka',
    open: () =>
      openBroker({
        environment: user,
        dataDir: folder.path,
        count: options.brokers,
        allowMemory: !throwAway,
        say,
      }),
    close: (opened) => opened.stop(),
    openSeconds: 300,
  });
  const metrics = createMetrics();
  const log = await lifecycle.open({
    name: 'the log',
    open: () => openLog(broker, configs, logger, metrics),
    close: (opened) => opened.close(),
  });
  return finish(options, lifecycle, {
    configs,
    ingestToken,
    broker,
    log,
    metrics,
    folder: folder.path,
    usesForeignCluster,
  });
}

interface Foundation {
  readonly configs: ServiceConfigs;
  readonly ingestToken: string | undefined;
  readonly broker: Broker;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly folder: string;
  readonly usesForeignCluster: boolean;
}

async function finish(
  { environment, extractor, keep, logger }: LocalStackOptions,
  lifecycle: Lifecycle,
  { configs, ingestToken, broker, log, metrics, folder, usesForeignCluster }: Foundation,
): Promise<LocalStack> {
  const { ingest: config } = configs;
  const names = namesOf(config);
  reportBuild(metrics, config.BUILD_REVISION);
  reportDisk(metrics, config.DATA_DIR);
  const specs = topicSpecs(names, topicOptions(config, [extractor]));
  await lifecycle.open({
    name: 'the topics',
    open: () => prepareTopics(log.admin, specs, config.TOPICS_CREATE),
    close: () =>
      usesForeignCluster && !keep ? deleteTopicsAndGroups(log, names, extractor, specs) : undefined,
  });
  await lifecycle.open({
    name: 'the probe of Kafka',
    open: () => probeKafka(metrics, log.admin, { topic: names.topics.images }),
    close: (end) => end(),
  });
  const clients = { log, names, schemaIds: openSchemaIds(config), blobs: openBlobs(config) };
  const dependencies = { ...clients, logger, metrics, health: createHealth() };
  const admin = await lifecycle.open({
    name: 'the admin server',
    open: () => {
      // A free port unless one was configured: several runs may run at once.
      const port = environment.ADMIN_PORT ? config.ADMIN_PORT : 0;
      return startAdminServer({ ...dependencies, ...adminAccess(config), host: config.ADMIN_HOST, port });
    },
    close: (server) => server.close(),
  });
  const tracing = await lifecycle.open({
    name: 'tracing',
    open: () => openTracing(config, tracingOptionsOf(config, 'start', logger)),
    close: (opened) => opened?.close(stopBudget(config.STOP_GRACE).tracing),
  });
  const traced = { ...dependencies, log: tracing?.traceLog(log) ?? log, tracing };
  const services = await startServices(configs, traced, lifecycle);
  const urls = {
    ingest: services.ingest.url ?? '',
    classify: services.classify.url ?? '',
    admin: admin.url,
  };
  const stopped = Promise.all([services.stopped, broker.stopped]);
  stopped.catch(() => undefined);
  return { ...clients, configs, ingestToken, dataDir: folder, urls, stopped };
}

/** Adds a token for the run to the tokens of ingest, where it has any. */
function issueIngestToken(configs: ServiceConfigs): Pick<Foundation, 'configs' | 'ingestToken'> {
  const { AUTH_TOKENS: tokens } = configs.ingest;
  if (tokens === undefined) return { configs, ingestToken: undefined };
  const holder = { name: 'headwater-story', role: 'write' } as const;
  const { token } = createToken(holder);
  const ingest = { ...configs.ingest, AUTH_TOKENS: tokens.with(holder, token) };
  return { configs: { ...configs, ingest }, ingestToken: token };
}

/** Without the right to create topics a run must use the user's topics. */
function forbidsTopicCreation(environment: Environment): boolean {
  return ['false', '0', 'no'].includes((environment.TOPICS_CREATE ?? '').trim().toLowerCase());
}

function openLog(broker: Broker, configs: ServiceConfigs, logger: Logger, metrics: Metrics): Log {
  if (broker.kind === 'memory') return createMemoryLog();
  const options = kafkaOptions({ ...configs.ingest, KAFKA_BROKERS: broker.brokers });
  return createKafkaLog({ ...options, observer: observeProducing(metrics, logger) }, logger);
}

async function deleteTopicsAndGroups(
  log: Log,
  names: Names,
  extractor: string,
  specs: readonly { readonly name: string }[],
): Promise<void> {
  await log.admin.deleteTopics(specs.map(({ name }) => name));
  await log.admin.deleteGroups([names.groups.extract(extractor), names.groups.join, names.groups.train]);
}
