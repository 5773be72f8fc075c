/** The cluster that the environment names, for commands that look at topics or write to them without starting a service. */
import { type ClassifyConfig, classifyEnvironment } from '@headwater/classify';
import type { ClusterClients } from '@headwater/classify/exchange';
import { HeadwaterError } from '@headwater/errors';
import { createKafkaLog } from '@headwater/log';
import { kafkaOptions, loadConfig, namesOf, openBlobs, openSchemaIds } from '@headwater/service-kit';
import type { Console } from '../terminal/console.ts';
import { createProgressLines, type ProgressLines } from '../terminal/progress-lines.ts';

export interface Cluster {
  /** As classify has it: its names, extractors, choices and folders hold here too. */
  readonly config: ClassifyConfig;
  readonly clients: ClusterClients;
  readonly progress: ProgressLines;
}

/** Opens it, and closes it whatever happens. Errors: config-invalid, log-unavailable, and those of `use`. */
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
  const answer = log.admin.partitions(clients.names.topics.examples);
  const stopped = abortedBeforeResponse(answer, console.signal);
  const heard = warnIfUnresponsive(answer, (patience) =>
    console.stderr.write(
      `Kafka has not answered for ${patience / 1_000} s (KAFKA_BROKERS is ${brokers}); trying on …\n`,
    ),
  );
  try {
    return await Promise.race([use({ config, clients, progress }), stopped]);
  } finally {
    heard();
    progress.end();
    await Promise.race([log.close(), stopped]);
  }
}

/** Rejects with the signal's reason when it comes before any answer: a client that tries for minutes cannot be told to leave off. */
export function abortedBeforeResponse(answer: Promise<unknown>, signal: AbortSignal): Promise<never> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const end = () => signal.removeEventListener('abort', stop);
    answer.then(end, end);
  });
  stopped.catch(() => undefined);
  return stopped;
}

/** Kafka is tried for minutes before a command gives up: whoever waits is told what for. Answers what ends the watch. */
export function warnIfUnresponsive(
  answer: Promise<unknown>,
  tell: (patienceMs: number) => void,
  patienceMs = 5_000,
): () => void {
  const timer = setTimeout(() => tell(patienceMs), patienceMs);
  const end = () => clearTimeout(timer);
  // Whatever is wrong is for the command itself to find.
  answer.then(end, end);
  return end;
}

/** What is wrong with a file is said with its name. Errors: request-invalid where it cannot be read or written. */
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
