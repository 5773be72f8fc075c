/**
 * From a folder to brokers that answer: jars, ports, formatted data folders, child processes. The folder keeps
 * everything, so a restart finds topics, groups and records as they were, on the same ports where they are still free.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseAddresses } from './broker-addresses.ts';
import { type BrokerFolder, createBrokerFolders, logTail } from './broker-folder.ts';
import { type LocalBroker, Node } from './broker-node.ts';
import { type BrokerSecurity, scramArguments, securedSettings, writeStores } from './broker-security.ts';
import type { BrokerNode } from './broker-settings.ts';
import { failed } from './failed.ts';
import { openLibraries } from './libraries.ts';
import { findFreePorts } from './ports.ts';
import { requireJava } from './prerequisites.ts';
import { identify, type ProcessLock, tryLock } from './process-lock.ts';
import { describeCluster } from './requests/cluster-requests.ts';

/** What takes its time, in order: `files` counts up while jars are fetched. */
export type Progress =
  | { readonly step: 'fetch'; readonly files: number }
  | { readonly step: 'format' }
  | { readonly step: 'start' }
  /** `broker` is the bootstrap list. */
  | { readonly step: 'ready'; readonly broker: string };

export interface LocalKafkaOptions {
  /** Keeps the data; created when it is missing. One Kafka at a time, and always of as many brokers as at first. */
  readonly dataDir: string;
  /**
   * Default 1. Three or more replicate as in production: three replicas, `min.insync.replicas=2`, internal topics too. Each is broker
   * and controller in one, so more than half of them must be up for anything to move.
   */
  readonly brokers?: number | undefined;
  /** Of the first broker. Default: that of the last start where it is still free, or any free one. */
  readonly port?: number | undefined;
  /** Ports that clients connect to, one for each broker: those of proxies. Not together with `security`. */
  readonly advertisedPorts?: readonly number[] | undefined;
  /** Of Apache Kafka; default `kafkaVersion`. Those before 3.3 cannot do without ZooKeeper. */
  readonly version?: string | undefined;
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
  /** In the order of `brokers`. Each can be stopped, killed and started again alone. */
  readonly nodes: readonly LocalBroker[];
  /** The process that holds the first broker: they end together. */
  readonly pid: number;
  /** Rejects with local-kafka-failed and the end of its log when a broker dies that was not asked to end; resolves after `stop`. */
  readonly stopped: Promise<void>;
  /** Idempotent. The data stays. */
  stop(): Promise<void>;
}

const attempts = 3;
const joinSeconds = 60;
/** The last brokers have no quorum left that would let them go; what is not closed in order is recovered at the next start. */
const clusterGraceSeconds = 3;

/** Errors: prerequisite-missing, local-kafka-failed. */
export async function startLocalKafka(options: LocalKafkaOptions): Promise<LocalKafka> {
  checkOptions(options);
  const java = requireJava().path;
  const libraries = await openLibraries({
    cacheDir: options.cacheDir,
    version: options.version,
    onProgress: (files) => options.onProgress?.({ step: 'fetch', files }),
  });
  const root = resolve(options.dataDir);
  await mkdir(root, { recursive: true });
  const lock = await lockFolder(root);
  try {
    const folders = await createBrokerFolders(root, options.brokers ?? 1);
    return await start({ java, libraries, root, folders, lock, options });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function checkOptions({ dataDir, brokers = 1, advertisedPorts, security }: LocalKafkaOptions): void {
  if (dataDir.includes(',')) throw failed('the path of a data folder must not contain a comma');
  if (!Number.isInteger(brokers) || brokers < 1)
    throw failed(`brokers: ${brokers} is not a whole number above 0`);
  if (advertisedPorts === undefined) return;
  if (security !== undefined) throw failed('advertised ports and security cannot be combined');
  if (advertisedPorts.length !== brokers)
    throw failed(`${advertisedPorts.length} advertised ports for ${brokers} brokers`);
}

interface Setting {
  readonly java: string;
  readonly libraries: string;
  readonly root: string;
  readonly folders: readonly BrokerFolder[];
  readonly lock: ProcessLock;
  readonly options: LocalKafkaOptions;
}

/** A broker whose owner was killed needs a moment to end: that one is waited for. */
async function lockFolder(root: string): Promise<ProcessLock> {
  const own = identify(process.pid);
  for (let left = 60; ; left--) {
    const attempt = await tryLock(join(root, 'broker.lock'));
    if ('lock' in attempt) return attempt.lock;
    if (left === 0 || !attempt.isLeftOver || attempt.heldBy === own?.pid) {
      throw failed(`the folder ${root} is in use by process ${attempt.heldBy}`);
    }
    await sleep(500);
  }
}

async function start(setting: Setting): Promise<LocalKafka> {
  const { folders, options } = setting;
  for (let attempt = 1; ; attempt++) {
    const addresses = await chooseAddresses(folders, options);
    const deaths = new Deaths(options.logger);
    const secured = await secureAll(setting, addresses);
    const nodes = addresses.map(
      (node, index) =>
        new Node({
          ...setting,
          node,
          nodes: addresses,
          folder: folders[index] as BrokerFolder,
          security: secured?.[index]?.settings,
          probePort: secured?.[index]?.ports.plainPort ?? node.port,
          onProcess: (pid) => setting.lock.addHolder(pid),
          onDeath: (dead, code) => deaths.report(dead, code),
        }),
    );
    await Promise.all(nodes.map((node) => node.writeSettings()));
    await format(nodes, options);
    options.onProgress?.({ step: 'start' });
    const failure = await startAll(nodes);
    if (failure === undefined) await awaitAll(nodes);
    if (failure === undefined)
      return serve(
        setting,
        nodes,
        deaths,
        secured?.map(({ ports }) => ports.certificatePort),
      );
    if (!failure.isPortTaken() || options.port !== undefined || attempt === attempts) {
      throw failed(
        `Apache Kafka did not start; the end of ${failure.folder.log}:\n${logTail(failure.folder)}`,
      );
    }
  }
}

/** Resolves to a node that did not start, when the others have been stopped. */
async function startAll(nodes: readonly Node[]): Promise<Node | undefined> {
  const starts = await Promise.allSettled(nodes.map((node) => node.tryStart()));
  const index = starts.findIndex((one) => one.status === 'rejected' || !one.value);
  if (index === -1) return undefined;
  await stopAll(nodes);
  const failure = starts[index];
  if (failure?.status === 'rejected') throw failure.reason;
  return nodes[index];
}

/** A broker that serves requests may not know the others yet: topics could not be replicated. */
async function awaitAll(nodes: readonly Node[]): Promise<void> {
  if (nodes.length === 1) return;
  const deadline = Date.now() + joinSeconds * 1_000;
  for (const { probePort } of nodes) {
    while ((await knownBrokers(probePort)) < nodes.length) {
      if (Date.now() > deadline) throw failed(`the brokers did not find each other within ${joinSeconds} s`);
      await sleep(100);
    }
  }
}

function knownBrokers(port: number): Promise<number> {
  return describeCluster(port, []).then(
    ({ brokers }) => brokers.length,
    () => 0,
  );
}

async function stopAll(nodes: readonly Node[]): Promise<void> {
  const grace = nodes.length === 1 ? undefined : clusterGraceSeconds;
  await Promise.all(nodes.map((node) => node.stop(grace)));
}

async function secureAll({ folders, options: { security } }: Setting, nodes: readonly BrokerNode[]) {
  if (security === undefined) return undefined;
  return Promise.all(
    nodes.map(async ({ port, controllerPort }, index) => {
      const { root } = folders[index] as BrokerFolder;
      const [certificatePort = 0, plainPort = 0] = await findFreePorts(2);
      const ports = { port, certificatePort, plainPort };
      await writeStores(root, security);
      return { ports, settings: securedSettings(ports, controllerPort, root, security) };
    }),
  );
}

/** Those that are new get the cluster id of the others. */
async function format(nodes: readonly Node[], { security, onProgress }: LocalKafkaOptions): Promise<void> {
  const isNew = ({ folder }: Node) => !existsSync(folder.meta);
  const fresh = nodes.filter(isNew);
  if (fresh.length === 0) return;
  onProgress?.({ step: 'format' });
  const known = nodes.find((node) => !isNew(node));
  const meta = known === undefined ? '' : await readFile(known.folder.meta, 'utf8');
  const clusterId =
    /^cluster\.id=(.+)$/m.exec(meta)?.[1] ?? `h${randomBytes(16).toString('base64url').slice(1)}`;
  const users = security === undefined ? [] : scramArguments(security);
  await Promise.all(fresh.map((node) => node.format(clusterId, users)));
}

/** The first broker that died without being asked to. */
class Deaths {
  readonly first: Promise<never>;
  readonly #logger: LocalKafkaOptions['logger'];
  #reject: (error: Error) => void = () => undefined;

  constructor(logger: LocalKafkaOptions['logger']) {
    this.#logger = logger;
    this.first = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.first.catch(() => undefined);
  }

  report({ id, folder }: Node, code: number | null): void {
    this.#logger?.error({ code, broker: id, log: folder.log }, 'Apache Kafka died');
    this.#reject(failed(`Apache Kafka died (exit code ${code}); the end of its log:\n${logTail(folder)}`));
  }
}

function serve(
  { root, lock, options }: Setting,
  nodes: readonly Node[],
  deaths: Deaths,
  certificatePorts: readonly number[] | undefined,
): LocalKafka {
  const brokers = nodes.map(({ address }) => address);
  let close: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const stopped = Promise.race([closed, deaths.first]);
  stopped.catch(() => undefined);
  options.onProgress?.({ step: 'ready', broker: brokers.join() });
  options.logger?.info({ broker: brokers.join(), dataDir: root }, 'Apache Kafka is running');
  return {
    brokers,
    ...(certificatePorts === undefined
      ? {}
      : { certificateBrokers: certificatePorts.map((port) => `127.0.0.1:${port}`) }),
    nodes,
    pid: nodes[0]?.pid ?? -1,
    stopped,
    async stop() {
      await stopAll(nodes);
      await lock.release();
      close();
    },
  };
}
