/**
 * Starts a local Kafka on a folder: jars, ports, formatted data folders, child processes. All state is in the folder,
 * so that a restart has the same topics, groups and records, and the same ports if they are free.
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

/** Steps of a start, in order; `files` counts downloaded jars. */
export type Progress =
  | { readonly step: 'fetch'; readonly files: number }
  | { readonly step: 'format' }
  | { readonly step: 'start' }
  /** `broker` is the bootstrap list. */
  | { readonly step: 'ready'; readonly broker: string };

export interface LocalKafkaOptions {
  /** Data folder, created when missing. Used by one Kafka at a time, always with the same number of brokers. */
  readonly dataDir: string;
  /**
   * Default 1. Three or more replicate like in production: three replicas, `min.insync.replicas=2`, also internal
   * topics. Each is broker and controller, so more than half of them must be up for a quorum.
   */
  readonly brokers?: number | undefined;
  /** Port of the first broker. Default: that of the last start if it is free, otherwise any free one. */
  readonly port?: number | undefined;
  /** Ports of proxies for clients, one for each broker. Not together with `security`. */
  readonly advertisedPorts?: readonly number[] | undefined;
  /** Version of Apache Kafka; default `kafkaVersion`. Versions before 3.3 require ZooKeeper. */
  readonly version?: string | undefined;
  readonly logger?: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Folder of Kafka's jars; default the user's cache folder. */
  readonly cacheDir?: string | undefined;
  /** Default: open access on this machine. The users are those of the first start on a data folder. */
  readonly security?: BrokerSecurity | undefined;
}

export interface LocalKafka {
  /** Bootstrap list, e.g. `['127.0.0.1:40123']`. */
  readonly brokers: string[];
  /** With `security`: bootstrap list of the listener for client certificates. */
  readonly certificateBrokers?: string[];
  /** In the order of `brokers`. Each can be stopped, killed and restarted independently. */
  readonly nodes: readonly LocalBroker[];
  /** Process of the first broker. */
  readonly pid: number;
  /** Rejects with local-kafka-failed and the end of its log when a broker ends unexpectedly; resolves after `stop`. */
  readonly stopped: Promise<void>;
  /** Stops all brokers and keeps the data. Idempotent. */
  stop(): Promise<void>;
}

const attempts = 3;
const joinSeconds = 60;
/** Grace period of a cluster: the last brokers have no quorum for a controlled shutdown and recover at the next start. */
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
  if (dataDir.includes(',')) throw failed('the path of the data folder must not contain a comma');
  if (!Number.isInteger(brokers) || brokers < 1)
    throw failed(`brokers: expected a whole number of at least 1, not ${brokers}`);
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

/** Waits for a broker whose parent was killed, which needs a moment to end. */
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

/** Resolves to a node that did not start, after the others were stopped; undefined on success. */
async function startAll(nodes: readonly Node[]): Promise<Node | undefined> {
  const starts = await Promise.allSettled(nodes.map((node) => node.tryStart()));
  const index = starts.findIndex((one) => one.status === 'rejected' || !one.value);
  if (index === -1) return undefined;
  await stopAll(nodes);
  const failure = starts[index];
  if (failure?.status === 'rejected') throw failure.reason;
  return nodes[index];
}

/** Waits until all brokers know each other, because topics could not be replicated before. */
async function awaitAll(nodes: readonly Node[]): Promise<void> {
  if (nodes.length === 1) return;
  const deadline = Date.now() + joinSeconds * 1_000;
  for (const { probePort } of nodes) {
    while ((await knownBrokers(probePort)) < nodes.length) {
      if (Date.now() > deadline) throw failed(`the brokers did not form a cluster within ${joinSeconds} s`);
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

/** Formats new data folders with the cluster id of the others. */
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

/** Reports the first broker that ended unexpectedly. */
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
