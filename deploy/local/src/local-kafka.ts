/**
 * From a folder to a broker that answers: jars, ports, a formatted data folder, a child process. The folder keeps
 * everything, so a restart finds topics, groups and records as they were, on the same port where it is still free.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { HeadwaterError } from '@headwater/errors';
import { type BrokerProcess, readTail, startBroker } from './broker-process.ts';
import {
  type BrokerSecurity,
  type SecuredPorts,
  scramArguments,
  securedSettings,
  writeStores,
} from './broker-security.ts';
import { type BrokerAddress, brokerLogSettings, brokerSettings } from './broker-settings.ts';
import { openLibraries } from './libraries.ts';
import { findFreePorts, isFree } from './ports.ts';
import { requireJava } from './prerequisites.ts';
import { answers } from './probe.ts';
import { identify, type ProcessLock, tryLock } from './process-lock.ts';

/** What takes its time, in order: `files` counts up while jars are fetched. */
export type Progress =
  | { readonly step: 'fetch'; readonly files: number }
  | { readonly step: 'format' }
  | { readonly step: 'start' }
  | { readonly step: 'ready'; readonly broker: string };

export interface LocalKafkaOptions {
  /** Keeps the broker's data; created when it is missing. One broker at a time. */
  readonly dataDir: string;
  /** Default: that of the last start where it is still free, or any free one. */
  readonly port?: number | undefined;
  readonly logger?: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Where Kafka's jars are kept; default the user's cache folder. */
  readonly cacheDir?: string | undefined;
  /** Default: everybody on this machine is let in. Its users are those of the first start on a data folder. */
  readonly security?: BrokerSecurity | undefined;
}

export interface LocalKafka {
  /** Bootstrap list, e.g. `['127.0.0.1:40123']`. */
  readonly brokers: string[];
  /** With `security`: bootstrap list of the listener that takes a client certificate instead of a password. */
  readonly certificateBrokers?: string[];
  /** The process that holds the broker: they end together. */
  readonly pid: number;
  /** Rejects with local-kafka-failed and the end of its log when the broker dies; resolves after `stop`. */
  readonly stopped: Promise<void>;
  /** Idempotent. The data stays. */
  stop(): Promise<void>;
}

const startSeconds = 90;
const attempts = 3;

/** Errors: prerequisite-missing, local-kafka-failed. */
export async function startLocalKafka(options: LocalKafkaOptions): Promise<LocalKafka> {
  if (options.dataDir.includes(',')) throw failed('the path of a data folder must not contain a comma');
  const java = requireJava().path;
  const libraries = await openLibraries({
    cacheDir: options.cacheDir,
    onProgress: (files) => options.onProgress?.({ step: 'fetch', files }),
  });
  const folder = layOut(resolve(options.dataDir));
  await mkdir(folder.root, { recursive: true });
  const lock = await lockFolder(folder);
  try {
    return await start({ java, libraries, folder, lock, options });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function layOut(root: string) {
  return {
    root,
    lock: join(root, 'broker.lock'),
    data: join(root, 'data'),
    meta: join(root, 'data', 'meta.properties'),
    address: join(root, 'address.json'),
    settings: join(root, 'server.properties'),
    logSettings: join(root, 'log4j2.properties'),
    log: join(root, 'server.log'),
    output: join(root, 'server.out'),
  };
}

type Folder = ReturnType<typeof layOut>;

interface Setting {
  readonly java: string;
  readonly libraries: string;
  readonly folder: Folder;
  readonly lock: ProcessLock;
  readonly options: LocalKafkaOptions;
}

/** A broker whose owner was killed needs a moment to end: that one is waited for. */
async function lockFolder(folder: Folder): Promise<ProcessLock> {
  const own = identify(process.pid);
  for (let left = 60; ; left--) {
    const attempt = await tryLock(folder.lock);
    if ('lock' in attempt) return attempt.lock;
    if (left === 0 || !attempt.isLeftOver || attempt.heldBy === own?.pid) {
      throw failed(`the folder ${folder.root} is in use by process ${attempt.heldBy}`);
    }
    await sleep(500);
  }
}

async function start(setting: Setting): Promise<LocalKafka> {
  const { folder, options } = setting;
  for (let attempt = 1; ; attempt++) {
    const address = await chooseAddress(folder, options.port);
    const secured =
      options.security === undefined ? undefined : await secure(folder, address, options.security);
    await writeSettings(folder, address, secured?.settings);
    if (!existsSync(folder.meta)) await format(setting);
    options.onProgress?.({ step: 'start' });
    const broker = startBroker(javaCommand(setting), { outputFile: folder.output, cwd: folder.root });
    await setting.lock.addHolder(broker.pid);
    const probed = secured?.ports.plainPort ?? address.port;
    if (await waitUntilReady(broker, probed, folder)) return serve(setting, broker, address, secured?.ports);
    const isPortTaken = /BindException|Address already in use/.test(readTail(folder.log, 60));
    if (!isPortTaken || options.port !== undefined || attempt === attempts) {
      throw failed(`Apache Kafka did not start; the end of ${folder.log}:\n${lastWords(folder)}`);
    }
  }
}

async function chooseAddress(folder: Folder, wanted: number | undefined): Promise<BrokerAddress> {
  const [free = 0, controllerPort = 0] = await findFreePorts(2);
  if (wanted !== undefined && wanted !== 0) {
    if (!(await isFree(wanted))) throw failed(`port ${wanted} is taken by another program`);
    return { port: wanted, controllerPort };
  }
  const former = await readFile(folder.address, 'utf8').then(
    (json) => (JSON.parse(json) as { readonly port: number }).port,
    () => undefined,
  );
  const isUsable = former !== undefined && former !== controllerPort && (await isFree(former));
  return { port: isUsable ? former : free, controllerPort };
}

async function secure({ root }: Folder, { port, controllerPort }: BrokerAddress, security: BrokerSecurity) {
  const [certificatePort = 0, plainPort = 0] = await findFreePorts(2);
  const ports: SecuredPorts = { port, certificatePort, plainPort };
  await writeStores(root, security);
  return { ports, settings: securedSettings(ports, controllerPort, root, security) };
}

async function writeSettings(
  folder: Folder,
  address: BrokerAddress,
  security: Readonly<Record<string, string>> | undefined,
): Promise<void> {
  await writeFile(folder.settings, brokerSettings(address, folder.data, security), { mode: 0o600 });
  await writeFile(folder.logSettings, brokerLogSettings(folder.log));
  await writeFile(folder.address, JSON.stringify(address));
}

/** Once in the life of a data folder: gives it its cluster id. */
async function format({ java, libraries, folder, options }: Setting): Promise<void> {
  options.onProgress?.({ step: 'format' });
  const clusterId = `h${randomBytes(16).toString('base64url').slice(1)}`;
  const arguments_ = [
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    folder.settings,
    '--ignore-formatted',
    ...(options.security === undefined ? [] : scramArguments(options.security)),
  ];
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off';
  try {
    await promisify(execFile)(java, [
      '-Xmx128m',
      ...quickJvm,
      quiet,
      '-cp',
      join(libraries, '*'),
      ...arguments_,
    ]);
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw failed(`the data folder ${folder.data} could not be formatted:\n${stdout}${stderr}`, error);
  }
}

/** For processes that live short or stand aside: no second compiler, one thread for garbage. */
const quickJvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Djava.awt.headless=true'];

function javaCommand({ java, libraries, folder }: Setting): string[] {
  const memory = ['-Xms96m', '-Xmx384m', '-XX:+ExitOnOutOfMemoryError'];
  const logging = `-Dlog4j2.configurationFile=${folder.logSettings}`;
  return [java, ...memory, ...quickJvm, logging, '-cp', join(libraries, '*'), 'kafka.Kafka', folder.settings];
}

/** False when the broker ended before it answered. */
async function waitUntilReady(broker: BrokerProcess, port: number, folder: Folder): Promise<boolean> {
  let hasEnded = false;
  broker.ended.then(() => {
    hasEnded = true;
  });
  const deadline = Date.now() + startSeconds * 1_000;
  while (!hasEnded) {
    if (await answers(port, 1_000)) return !hasEnded;
    if (Date.now() > deadline) {
      await broker.stop();
      throw failed(
        `Apache Kafka did not answer within ${startSeconds} s; the end of its log:\n${lastWords(folder)}`,
      );
    }
    await sleep(100);
  }
  return false;
}

function serve(
  { folder, lock, options }: Setting,
  broker: BrokerProcess,
  address: BrokerAddress,
  secured: SecuredPorts | undefined,
): LocalKafka {
  const name = `127.0.0.1:${address.port}`;
  let isStopping = false;
  const stopped = broker.ended.then(async ({ code }) => {
    await lock.release();
    if (isStopping) return;
    const error = failed(`Apache Kafka died (exit code ${code}); the end of its log:\n${lastWords(folder)}`);
    options.logger?.error({ code, log: folder.log }, 'Apache Kafka died');
    throw error;
  });
  stopped.catch(() => undefined);
  options.onProgress?.({ step: 'ready', broker: name });
  options.logger?.info({ broker: name, dataDir: folder.root }, 'Apache Kafka is running');
  return {
    brokers: [name],
    ...(secured === undefined ? {} : { certificateBrokers: [`127.0.0.1:${secured.certificatePort}`] }),
    pid: broker.pid,
    stopped,
    async stop() {
      isStopping = true;
      await broker.stop();
      await stopped.catch(() => undefined);
    },
  };
}

function lastWords(folder: Folder): string {
  return [readTail(folder.log), readTail(folder.output)].filter((tail) => tail !== '').join('\n');
}

function failed(message: string, cause?: unknown): HeadwaterError {
  return new HeadwaterError('local-kafka-failed', message, { cause });
}
