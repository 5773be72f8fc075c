/** The cluster of the environment, for commands that read or write topics without starting a service. */
import { type ClassifyConfig, classifyEnvironment } from '@headwater/classify';
import type { ClusterClients } from '@headwater/classify/exchange';
import { HeadwaterError } from '@headwater/errors';
import { createKafkaLog } from '@headwater/log';
import { kafkaOptions, loadConfig, namesOf, openBlobs, openSchemaIds } from '@headwater/service-kit';
import type { Console } from '../terminal/console.ts';
import { createProgressLines, type ProgressLines } from '../terminal/progress-lines.ts';

export interface Cluster {
  /** The configuration of classify: names, extractors, tasks and folders. */
  readonly config: ClassifyConfig;
  readonly clients: ClusterClients;
  readonly progress: ProgressLines;
}

/** Opens the cluster for `use`, and closes it afterwards. Errors: config-invalid, log-unavailable, and those of `use`. */
export async function withCluster<T>(console: Console, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const config = loadConfig(classifyEnvironment, console.environment);
  const logger = console.createLogger((line) => void console.stderr.write(`${line}\n`));
  const log = createKafkaLog(kafkaOptions(config), logger);
  const progress = createProgressLines(console.stderr);
  const clients = {
    log,
    names: namesOf(config),
    schemaIds: openSchemaIds(config),
    blobs: openBlobs(config),
    logger,
  };
  const brokers = config.KAFKA_BROKERS?.join(', ') ?? 'not set';
  const response = log.admin.partitions(clients.names.topics.examples);
  const stopped = abortedBeforeResponse(response, console.signal);
  const stopWatch = warnIfUnresponsive(response, (afterMs) =>
    console.stderr.write(
      `no response from Kafka for ${afterMs / 1_000} s (KAFKA_BROKERS is ${brokers}); still retrying …\n`,
    ),
  );
  try {
    return await Promise.race([use({ config, clients, progress }), stopped]);
  } finally {
    stopWatch();
    progress.end();
    await Promise.race([log.close(), stopped]);
  }
}

/** Rejects with the signal's reason when it aborts before a response: the client's retries cannot be cancelled. */
export function abortedBeforeResponse(response: Promise<unknown>, signal: AbortSignal): Promise<never> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const end = () => signal.removeEventListener('abort', stop);
    response.then(end, end);
  });
  stopped.catch(() => undefined);
  return stopped;
}

/** Calls `warn` after `afterMs` without a response: commands retry for minutes. Returns a function that ends the watch. */
export function warnIfUnresponsive(
  response: Promise<unknown>,
  warn: (afterMs: number) => void,
  afterMs = 5_000,
): () => void {
  const timer = setTimeout(() => warn(afterMs), afterMs);
  const end = () => clearTimeout(timer);
  // The command itself reports errors.
  response.then(end, end);
  return end;
}

/** Adds the name of the file to errors about it. Errors: request-invalid where it cannot be read or written. */
export async function withFileName<T>(path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (thrown) {
    if (thrown instanceof HeadwaterError && isOfFile(thrown)) {
      throw new HeadwaterError(thrown.code, `${path}: ${thrown.message}`, { cause: thrown });
    }
    const code = (thrown as { code?: unknown }).code;
    if (thrown instanceof Error && !(thrown instanceof HeadwaterError) && typeof code === 'string') {
      throw new HeadwaterError('request-invalid', thrown.message, { cause: thrown });
    }
    throw thrown;
  }
}

function isOfFile({ code }: HeadwaterError): boolean {
  return [
    'record-invalid',
    'avro-invalid',
    'head-invalid',
    'statistics-mismatch',
    'schema-incompatible',
  ].includes(code);
}
