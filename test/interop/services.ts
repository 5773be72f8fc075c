/** The three services as separate processes, as in production. */
import { join } from 'node:path';
import { type Child, endOf, findFreePort, startChild, waitForUrl } from '../child-process.ts';
import { repositoryFolder } from './files.ts';

export interface ServicesOptions {
  readonly brokers: readonly string[];
  /** Prefix of topics, groups and transactional ids. */
  readonly prefix: string;
  readonly folder: string;
  readonly registryUrl?: string;
}

export interface Services {
  readonly ingestUrl: string;
  /** By SIGTERM; fails where one does not end with 0 within ten seconds. */
  stop(): Promise<void>;
}

const extractor = 'lenet-digits.v1';

function environmentOf(options: ServicesOptions): Record<string, string> {
  return {
    KAFKA_BROKERS: options.brokers.join(','),
    TOPIC_PREFIX: options.prefix,
    GROUP_PREFIX: options.prefix,
    TRANSACTIONAL_ID_PREFIX: options.prefix,
    PARTITIONS: '4',
    REPLICATION_FACTOR: '1',
    EXTRACTOR: extractor,
    EXTRACTORS: extractor,
    TASKS: 'digit',
    HTTP_HOST: '127.0.0.1',
    BLOB_STORE: join(options.folder, 'blobs'),
    ...(options.registryUrl === undefined ? {} : { SCHEMA_REGISTRY_URL: options.registryUrl }),
  };
}

interface Running {
  readonly name: string;
  readonly child: Child;
  readonly logFile: string;
  readonly url: string;
}

async function startService(name: string, options: ServicesOptions): Promise<Running> {
  const [adminPort, httpPort] = [await findFreePort(), await findFreePort()];
  const logFile = join(options.folder, `${name}.log`);
  const child = startChild({
    command: process.execPath,
    args: [join(repositoryFolder, 'services', name, 'dist', 'main.js')],
    logFile,
    env: {
      ...environmentOf(options),
      DATA_DIR: join(options.folder, name),
      ADMIN_PORT: String(adminPort),
      HTTP_PORT: String(httpPort),
    },
  });
  const running = { name, child, logFile, url: `http://127.0.0.1:${httpPort}` };
  try {
    await waitForUrl(`http://127.0.0.1:${adminPort}/readyz`, child, 120, logFile);
  } catch (error) {
    await child.stop(10);
    throw error;
  }
  return running;
}

export async function startServices(options: ServicesOptions): Promise<Services> {
  const running: Running[] = [];
  const stop = async (): Promise<void> => {
    const ends = await Promise.all(
      running.map(async (service) => ({ service, status: await service.child.stop(10) })),
    );
    const failed = ends.filter(({ status }) => status !== 0);
    const words = failed.map(
      ({ service, status }) => `${service.name} ended with ${status}:\n${endOf(service.logFile)}`,
    );
    if (words.length > 0) throw new Error(words.join('\n'));
  };
  try {
    for (const name of ['ingest', 'extract', 'classify']) running.push(await startService(name, options));
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
  return { ingestUrl: running[0]?.url ?? '', stop };
}
