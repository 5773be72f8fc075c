/**
 * Everything that a run stands on: a data folder, a log, the topics, the three services. Opened in this order,
 * closed in the opposite one, whatever happens in between.
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
  prepareTopics,
  startAdminServer,
  topicOptions,
} from '@headwater/service-kit';
import { type Broker, openBroker } from './broker.ts';
import { createRunPrefix, runEnvironment } from './environment.ts';
import { openDataFolder } from './folder.ts';
import { readServiceConfigs, type ServiceConfigs, startServices } from './services.ts';

export interface LocalStackOptions {
  /** The user's. */
  readonly environment: Environment;
  readonly extractor: string;
  /** Where the extractor is one of the user's own: its file. */
  readonly extractorFile: string | undefined;
  readonly task: string;
  readonly partitions: number | undefined;
  /** Of a Kafka that is started here; undefined: one. */
  readonly brokers: number | undefined;
  readonly dataDir: string | undefined;
  /** The run ends by itself: its data is thrown away, and it leaves nothing on a cluster of the user's. */
  readonly throwAway: boolean;
  /** … but keeps the data folder, or the topics, for a look at them. */
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
  /** Lets the story in where AUTH_TOKENS is set; nobody else knows it, and it ends with this process. */
  readonly ingestToken: string | undefined;
  readonly urls: { readonly ingest: string; readonly classify: string; readonly admin: string };
  /** Rejects when a service, or a broker that was started here, cannot go on. */
  readonly stopped: Promise<unknown>;
}

/**
 * What was opened before an error is in the lifecycle, for the caller to close.
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
  if (prefix !== undefined) say(`topics, groups and transactional ids of this run are called ${prefix}…`);
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
  const specs = topicSpecs(names, topicOptions(config, [extractor]));
  await lifecycle.open({
    name: 'the topics',
    open: () => prepareTopics(log.admin, specs, config.TOPICS_CREATE),
    close: () =>
      usesForeignCluster && !keep ? deleteTopicsAndGroups(log, names, extractor, specs) : undefined,
  });
  const clients = { log, names, schemaIds: openSchemaIds(config), blobs: openBlobs(config) };
  const dependencies = { ...clients, logger, metrics, health: createHealth() };
  const admin = await lifecycle.open({
    name: 'the admin server',
    open: () => {
      // A free one, unless somebody counts on one: several runs may be there at once.
      const port = environment.ADMIN_PORT ? config.ADMIN_PORT : 0;
      return startAdminServer({ ...dependencies, ...adminAccess(config), host: config.ADMIN_HOST, port });
    },
    close: (server) => server.close(),
  });
  const services = await startServices(configs, dependencies, lifecycle);
  const urls = {
    ingest: services.ingest.url ?? '',
    classify: services.classify.url ?? '',
    admin: admin.url,
  };
  const stopped = Promise.all([services.stopped, broker.stopped]);
  stopped.catch(() => undefined);
  return { ...clients, configs, ingestToken, dataDir: folder, urls, stopped };
}

/** Adds a token for the story to those that ingest takes, where it takes any. */
function issueIngestToken(configs: ServiceConfigs): Pick<Foundation, 'configs' | 'ingestToken'> {
  const { AUTH_TOKENS: tokens } = configs.ingest;
  if (tokens === undefined) return { configs, ingestToken: undefined };
  const holder = { name: 'headwater-story', role: 'write' } as const;
  const { token } = createToken(holder);
  const ingest = { ...configs.ingest, AUTH_TOKENS: tokens.with(holder, token) };
  return { configs: { ...configs, ingest }, ingestToken: token };
}

/** Where nothing may be created, the user's own topics are all there is. */
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
