/** One installation on one broker: where its folders are, which processes it has, under names of its own. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../child-process.ts';
import { type ServiceName, SupervisedProcess, type UnexpectedExit } from './supervised.ts';

export const extractor = 'lenet-digits.v1';
export const task = 'digit';
/** How long a process may be silent before others take its partitions over. */
export const sessionTimeoutMs = 4_000;
/** Digits of more bytes go through the blob store: about half of them. */
const inlineLimitBytes = 280;

export interface InstallationOptions {
  readonly folder: string;
  readonly brokers: readonly string[];
  /** Of each topic. */
  readonly replicas: number;
  /** Before the names of topics, groups and transactions. */
  readonly prefix: string;
}

export class Site {
  readonly blobs: string;
  /** Milliseconds that each opening of a file of the blob store takes, as text; see slow-files.mjs. */
  readonly slowness: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly services: SupervisedProcess[] = [];
  ingestUrl = '';
  /** A fault waits for all of them: until it has them, no other one may choose any. */
  isAwaited = false;
  readonly #folder: string;
  /** The newest of each service: nobody gets the name, and the folder, of one that has left. */
  readonly #numbers = new Map<ServiceName, number>();

  constructor({ folder, brokers, replicas, prefix }: InstallationOptions) {
    this.#folder = folder;
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
      // So that heads, too, go through the blob store.
      HEAD_INLINE_BYTES: '32KB',
      SETTLE_AFTER_MS: '1000',
      SEND_TIMEOUT: '5s',
      NODE_OPTIONS: `--import=${slowFiles}`,
      SLOW_FILES_IN: this.blobs,
      SLOW_FILES_MS_FROM: this.slowness,
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
    // One after the other: each makes the topics that are missing.
    for (const service of first) {
      await service.start();
      signal.throwIfAborted();
    }
    const second = [await this.add('extract'), await this.add('classify')];
    await Promise.all(second.map((service) => service.start()));
    signal.throwIfAborted();
  }

  /** One more process, not started yet; its state lies in a folder of its own. */
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

  /** By SIGTERM; answers those that did not end in order. */
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
