/** One installation on a cluster: its folders, processes and names. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../child-process.ts';
import { type ServiceName, SupervisedProcess, type UnexpectedExit } from './supervised.ts';

export const extractor = 'lenet-digits.v1';
export const task = 'digit';
/** Session timeout: the partitions of a silent process are reassigned after it. */
export const sessionTimeoutMs = 4_000;
/** Larger digits go through the blob store: about half of them. */
const inlineLimitBytes = 280;

export interface InstallationOptions {
  readonly folder: string;
  readonly brokers: readonly string[];
  /** Of each topic. */
  readonly replicas: number;
  /** Prefix of topics, groups and transactional ids. */
  readonly prefix: string;
  /** Settings beside those of every run. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Folder of the built checkout whose services run; default: this one. */
  readonly checkout?: string | undefined;
}

export class Site {
  readonly blobs: string;
  /** Delay of opening a file of the blob store, in milliseconds as text; see slow-files.mjs. */
  readonly slowness: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly services: SupervisedProcess[] = [];
  ingestUrl = '';
  /** Set while a fault waits for all processes: no other fault may choose one. */
  isAwaited = false;
  readonly #folder: string;
  readonly #checkout: string | undefined;
  /** The last number of each service: names and folders are not reused. */
  readonly #numbers = new Map<ServiceName, number>();

  constructor({ folder, brokers, replicas, prefix, environment, checkout }: InstallationOptions) {
    this.#folder = folder;
    this.#checkout = checkout;
    this.blobs = join(folder, 'blobs');
    this.slowness = join(folder, 'slowness');
    const slowFiles = fileURLToPath(new URL('slow-files.mjs', import.meta.url));
    this.environment = {
      KAFKA_BROKERS: brokers.join(),
      TOPIC_PREFIX: prefix,
      GROUP_PREFIX: prefix,
      TRANSACTIONAL_ID_PREFIX: prefix,
      KAFKA_SESSION_TIMEOUT: `${sessionTimeoutMs}ms`,
      PARTITIONS: '4',
      REPLICATION_FACTOR: String(replicas),
      MIN_INSYNC_REPLICAS: String(replicas < 3 ? 1 : 2),
      EXTRACTOR: extractor,
      EXTRACTORS: extractor,
      TASKS: task,
      HTTP_HOST: '127.0.0.1',
      BLOB_STORE: this.blobs,
      INLINE_LIMIT_BYTES: `${inlineLimitBytes}B`,
      RECORDS_PER_COMMIT: '16',
      ENGINE_THREADS: '1',
      // Heads go through the blob store too.
      HEAD_INLINE_BYTES: '32KB',
      SETTLE_AFTER_MS: '1000',
      SEND_TIMEOUT: '5s',
      NODE_OPTIONS: `--import=${slowFiles}`,
      SLOW_FILES_IN: this.blobs,
      SLOW_FILES_MS_FROM: this.slowness,
      ...environment,
    };
  }

  /** One of ingest, two each of extract and classify; resolves when all are ready. Errors: the signal's reason. */
  async start(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => void this.destroy(), { once: true });
    const port = await findFreePort();
    this.ingestUrl = `http://127.0.0.1:${port}`;
    const first = [
      await this.add('ingest', { HTTP_PORT: String(port) }),
      await this.add('extract'),
      await this.add('classify'),
    ];
    // One after the other: each creates the missing topics.
    for (const service of first) {
      await service.start();
      signal.throwIfAborted();
    }
    const second = [await this.add('extract'), await this.add('classify')];
    await Promise.all(second.map((service) => service.start()));
    signal.throwIfAborted();
  }

  /** Adds a process with its own data folder; it is not started yet. */
  async add(
    service: ServiceName,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<SupervisedProcess> {
    const number = (this.#numbers.get(service) ?? 0) + 1;
    this.#numbers.set(service, number);
    const name = `${service}-${number}`;
    await mkdir(this.stateOf(name), { recursive: true });
    const adminPort = await findFreePort();
    const supervised = new SupervisedProcess({
      name,
      service,
      adminPort,
      logFile: join(this.#folder, `${name}.log`),
      checkout: this.#checkout,
      environment: {
        HTTP_PORT: '0',
        ...this.environment,
        DATA_DIR: this.stateOf(name),
        ADMIN_PORT: String(adminPort),
        ...environment,
      },
    });
    this.services.push(supervised);
    return supervised;
  }

  stateOf(name: string): string {
    return join(this.#folder, 'state', name);
  }

  get unaskedEnds(): UnexpectedExit[] {
    return this.services.flatMap(({ unaskedEnds }) => unaskedEnds);
  }

  /** Stops all by SIGTERM; resolves to those that did not end with 0. */
  async stop(): Promise<string[]> {
    const ends = await Promise.all(
      this.services.map(async (service) => ({ name: service.name, code: await service.stop() })),
    );
    await this.destroy();
    return ends
      .filter(({ code }) => code !== 0 && code !== null)
      .map(({ name, code }) => `${name} ended with ${code}`);
  }

  async destroy(): Promise<void> {
    await Promise.all(this.services.map((service) => service.destroy()));
  }
}
