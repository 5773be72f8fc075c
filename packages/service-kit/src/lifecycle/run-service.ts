/**
 * Runs one service in its own process, from the environment to the exit code; called by `main.ts` of each service.
 * The admin server starts first and the service last; a stop runs in reverse.
 */
import { asHeadwaterError } from '@headwater/errors';
import type { Log, Logger } from '@headwater/log';
import type { CommonConfig } from '../configuration/common-environment.ts';
import { describeEnvironment } from '../configuration/help.ts';
import { loadConfig } from '../configuration/load.ts';
import type { EnvironmentSchema } from '../configuration/variable-metadata.ts';
import { namesOf, openSchemaIds } from '../connections/clients.ts';
import { openKafka } from '../connections/kafka-client.ts';
import { checkBlobStoreShared, openBlobs } from '../connections/open-blobs.ts';
import {
  type AdminServer,
  type AdminServerOptions,
  adminAccess,
  startAdminServer,
} from '../health/admin-server.ts';
import { createHealth, type Health } from '../health/health.ts';
import { createLogger, loggingOf } from '../logging/logger.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { probeKafka, reportBuild, reportDisk } from '../metrics/process-metrics.ts';
import { openTracing, tracingOptionsOf } from '../tracing/open-tracing.ts';
import { createLifecycle, type Lifecycle } from './lifecycle.ts';
import { type ProcessHost, processHost } from './process-host.ts';
import type { Service, StartService } from './service.ts';
import { stopBudget } from './stop-budget.ts';

export interface RunServiceOptions<Config extends CommonConfig> {
  readonly name: string;
  readonly environment: EnvironmentSchema<Config>;
  readonly start: StartService<Config>;
  /** Default: Kafka from the environment. */
  readonly openLog?: (config: Config, logger: Logger) => Log;
  readonly host?: ProcessHost;
}

/** Time limit of a start without progress; the rebuild of a store reports its progress. */
const startSeconds = 600;

const needsKafka = {
  KAFKA_BROKERS:
    'is not set; a service in its own process requires Kafka (`headwater start` starts one, or runs all services in one process)',
};

/**
 * Exit codes: 0 after a signal, when work in flight is committed or, after STOP_GRACE, abandoned; 1 when the service
 * cannot start, fails, or fails to stop; 2 for unknown arguments.
 */
export async function runService<Config extends CommonConfig>(
  options: RunServiceOptions<Config>,
): Promise<void> {
  const host = options.host ?? processHost;
  const [argument] = host.arguments;
  if (argument === '--help' || argument === '-h') {
    host.print(describeEnvironment(options.name, options.environment));
    return host.exit(0);
  }
  if (argument !== undefined) {
    host.printError(`${options.name} takes no arguments; see --help\n`);
    return host.exit(2);
  }
  let config: Config;
  try {
    config = loadConfig(options.environment, host.environment, {
      ...(options.openLog === undefined ? { required: needsKafka } : {}),
    });
    checkBlobStoreShared(config, addressesOf(config));
  } catch (error) {
    host.printError(`${options.name}: ${asHeadwaterError(error).message}\n`);
    return host.exit(1);
  }
  await supervise(config, options, host);
}

/** Listen addresses of the service; extract has no HTTP interface, so its probes count. */
function addressesOf(config: CommonConfig & { readonly HTTP_HOST?: string }): readonly string[] {
  return [config.HTTP_HOST ?? config.ADMIN_HOST];
}

async function supervise<Config extends CommonConfig>(
  config: Config,
  options: RunServiceOptions<Config>,
  host: ProcessHost,
): Promise<void> {
  const logger = createLogger({ name: options.name, ...loggingOf(config) });
  const lifecycle = createLifecycle(logger);
  const end = createEnd(config, lifecycle, logger, host);
  const health = createHealth();
  const setReady = health.part(options.name);
  host.onUncaught((error) => {
    logger.fatal({ error }, 'uncaught exception');
    host.exit(1);
  });
  host.onSignal((signal) => {
    setReady(false, 'stopping');
    end.bySignal(signal);
  });
  try {
    const service = await open(config, options, { lifecycle, logger, health, host });
    end.serves(service);
    if (end.hasBegun) return;
    setReady(true);
    logger.info({ url: service.url ?? null }, 'ready');
    await service.stopped;
    if (!end.hasBegun) end.with(0, 'the service ended');
  } catch (error) {
    if (end.hasBegun) return;
    health.fail(asHeadwaterError(error).code);
    logger.fatal({ error }, 'fatal error');
    end.with(1, 'stopping after a failure');
  }
}

async function open<Config extends CommonConfig>(
  config: Config,
  options: RunServiceOptions<Config>,
  {
    lifecycle,
    logger,
    health,
    host,
  }: { lifecycle: Lifecycle; logger: Logger; health: Health; host: ProcessHost },
): Promise<Service> {
  const metrics = createMetrics();
  reportBuild(metrics, config.BUILD_REVISION);
  reportDisk(metrics, config.DATA_DIR);
  const budget = stopBudget(config.STOP_GRACE);
  const admin = await lifecycle.open({
    name: 'the admin server',
    open: () =>
      openAdmin(
        {
          ...adminAccess(config),
          host: config.ADMIN_HOST,
          port: config.ADMIN_PORT,
          metrics,
          health,
          logger,
        },
        host,
      ),
    close: (server) => server.close(),
    closeSeconds: budget.admin / 1_000,
  });
  logger.info({ url: admin.url }, 'serving probes and metrics');
  const log = await lifecycle.open({
    name: 'the log',
    open: () => (options.openLog ?? openKafka)(config, logger, metrics),
    close: (opened) => opened.close(),
    closeSeconds: budget.log / 1_000,
  });
  const tracing = await lifecycle.open({
    name: 'tracing',
    open: () => openTracing(config, tracingOptionsOf(config, options.name, logger)),
    close: (opened) => opened?.close(budget.tracing),
    closeSeconds: budget.tracing / 1_000,
  });
  const traced = tracing?.traceLog(log) ?? log;
  const clients = { schemaIds: openSchemaIds(config), blobs: openBlobs(config), names: namesOf(config) };
  await lifecycle.open({
    name: 'the probe of Kafka',
    open: () => probeKafka(metrics, log.admin, { topic: clients.names.topics.images }),
    close: (end) => end(),
  });
  return lifecycle.open({
    name: options.name,
    open: () => options.start(config, { log: traced, ...clients, logger, metrics, health, tracing }),
    close: (service) => service.stop(),
    openSeconds: startSeconds,
    progressedAt: () => health.progressedAt,
    closeSeconds: budget.service / 1_000,
  });
}

/** Falls back to a free port unless ADMIN_PORT is set, so that several services can run on one machine. */
async function openAdmin(options: AdminServerOptions, host: ProcessHost): Promise<AdminServer> {
  try {
    return await startAdminServer(options);
  } catch (error) {
    if (host.environment.ADMIN_PORT) throw error;
    options.logger.warn(
      { port: options.port },
      'the default port of probes and metrics is in use; using a free one',
    );
    return startAdminServer({ ...options, port: 0 });
  }
}

/** The only exit path: the first cause sets the exit code, and a second signal exits immediately. */
function createEnd(
  { STOP_DRAIN_DELAY: drainMs, STOP_GRACE: graceMs }: CommonConfig,
  lifecycle: Lifecycle,
  logger: Logger,
  host: ProcessHost,
) {
  let hasBegun = false;
  let served: Service | undefined;
  const exitAtOnce = (code: number) => {
    served?.abandon?.();
    host.exit(code);
  };
  const stop = async (code: number) => {
    const deadline = setTimeout(() => {
      logger.warn({ graceMs }, 'the stop exceeded STOP_GRACE; abandoning uncommitted work');
      exitAtOnce(code);
    }, graceMs);
    const final = await lifecycle.close().then(
      () => code,
      (error: unknown) => (asHeadwaterError(error).code === 'timed-out' ? code : 1),
    );
    clearTimeout(deadline);
    logger.info({ code: final }, 'stopped');
    exitAtOnce(final);
  };
  const begin = (code: number, why: string, fields: object = {}) => {
    hasBegun = true;
    logger.info(fields, why);
    return stop(code);
  };
  return {
    get hasBegun() {
      return hasBegun;
    },
    with: (code: number, why: string) => void begin(code, why),
    serves(service: Service) {
      served = service;
    },
    bySignal(signal: string) {
      if (hasBegun) {
        logger.warn({ signal }, 'exiting immediately after a second signal');
        return exitAtOnce(signal === 'SIGINT' ? 130 : 143);
      }
      hasBegun = true;
      logger.info({ signal, drainMs, graceMs }, 'stopping after a signal');
      // A service that was never ready has no requests to drain.
      setTimeout(() => void stop(0), served === undefined ? 0 : drainMs);
    },
  };
}
