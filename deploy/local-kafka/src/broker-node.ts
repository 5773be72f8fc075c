/** One broker of a local Kafka: its settings and its formatted data folder, and the process that comes and goes on them. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type BrokerFolder, logTail } from './broker-folder.ts';
import { type BrokerProcess, readTail, startBroker } from './broker-process.ts';
import { type BrokerNode, brokerLogSettings, brokerSettings } from './broker-settings.ts';
import { failed } from './failed.ts';
import { answers } from './requests/probe.ts';

/** A broker of a running local Kafka; its data and its port outlive its process. */
export interface LocalBroker {
  /** `node.id`, from 1. */
  readonly id: number;
  /** Where clients reach it, e.g. `127.0.0.1:40123`. */
  readonly address: string;
  /** Where it listens itself, behind an advertised port. */
  readonly port: number;
  /** The process that holds it; undefined while it is down. */
  readonly pid: number | undefined;
  /** After `stop`, `kill` or its death: on its port, with its data. Errors: local-kafka-failed. */
  start(): Promise<void>;
  /** By SIGTERM, which moves its partitions to other brokers first. Idempotent. */
  stop(): Promise<void>;
  /** By SIGKILL. What the disk does not have yet, the system's page cache has. Idempotent. */
  kill(): Promise<void>;
}

export interface NodeOptions {
  readonly java: string;
  readonly libraries: string;
  readonly folder: BrokerFolder;
  readonly node: BrokerNode;
  readonly nodes: readonly BrokerNode[];
  /** Takes the place of the plain listener. */
  readonly security?: Readonly<Record<string, string>> | undefined;
  /** Where it answers without a password. */
  readonly probePort: number;
  /** Resolves before the start counts: the process must not be forgotten. */
  readonly onProcess: (pid: number) => Promise<void>;
  /** It ended, and neither `stop` nor `kill` asked for it. */
  readonly onDeath: (node: Node, code: number | null) => void;
}

const startSeconds = 90;

/** For processes that live short or stand aside: no second compiler, one thread for garbage. */
const quickJvm = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Djava.awt.headless=true'];

export class Node implements LocalBroker {
  readonly #options: NodeOptions;
  #process: BrokerProcess | undefined;
  #isAsked = false;

  constructor(options: NodeOptions) {
    this.#options = options;
  }

  get id(): number {
    return this.#options.node.id;
  }

  get port(): number {
    return this.#options.node.port;
  }

  get address(): string {
    return `127.0.0.1:${this.#options.node.advertised?.port ?? this.port}`;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get probePort(): number {
    return this.#options.probePort;
  }

  get folder(): BrokerFolder {
    return this.#options.folder;
  }

  async writeSettings(): Promise<void> {
    const { folder, node, nodes, security } = this.#options;
    await writeFile(folder.settings, brokerSettings(node, nodes, folder.data, security), { mode: 0o600 });
    await writeFile(folder.logSettings, brokerLogSettings(folder.log));
    const { port, controllerPort } = node;
    await writeFile(folder.address, JSON.stringify({ port, controllerPort }));
  }

  /** Once in the life of a data folder: gives it its cluster id. */
  async format(clusterId: string, more: readonly string[]): Promise<void> {
    const { java, libraries, folder } = this.#options;
    const command = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', folder.settings];
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off';
    const jvm = ['-Xmx128m', ...quickJvm, quiet, '-cp', join(libraries, '*')];
    try {
      await promisify(execFile)(java, [...jvm, ...command, '--ignore-formatted', ...more]);
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw failed(`the data folder ${folder.data} could not be formatted:\n${stdout}${stderr}`, error);
    }
  }

  async start(): Promise<void> {
    if (await this.tryStart()) return;
    const { log } = this.folder;
    throw failed(`Apache Kafka did not start; the end of ${log}:\n${logTail(this.folder)}`);
  }

  /** False when the broker ended before it answered. Errors: local-kafka-failed where it is silent. */
  async tryStart(): Promise<boolean> {
    if (this.#process !== undefined) return true;
    const { folder, onProcess } = this.#options;
    const broker = startBroker(this.#command(), { outputFile: folder.output, cwd: folder.root });
    this.#isAsked = true;
    this.#process = broker;
    const ended = broker.ended.then(({ code }) => this.#ended(broker, code));
    await onProcess(broker.pid);
    const isReady = await this.#waitUntilReady(broker);
    if (isReady) this.#isAsked = false;
    else await ended;
    return isReady;
  }

  /** `graceSeconds` shortens the time between SIGTERM and SIGKILL. */
  async stop(graceSeconds?: number): Promise<void> {
    const broker = this.#process;
    if (broker === undefined) return;
    this.#isAsked = true;
    const insist = graceSeconds && setTimeout(() => broker.kill(), graceSeconds * 1_000);
    await broker.stop();
    clearTimeout(insist);
  }

  async kill(): Promise<void> {
    const broker = this.#process;
    if (broker === undefined) return;
    this.#isAsked = true;
    broker.kill();
    await broker.ended;
  }

  isPortTaken(): boolean {
    return /BindException|Address already in use/.test(readTail(this.folder.log, 60));
  }

  #command(): string[] {
    const { java, libraries, folder, nodes } = this.#options;
    const memory = ['-Xms96m', nodes.length === 1 ? '-Xmx384m' : '-Xmx256m', '-XX:+ExitOnOutOfMemoryError'];
    const logging = `-Dlog4j2.configurationFile=${folder.logSettings}`;
    return [
      java,
      ...memory,
      ...quickJvm,
      logging,
      '-cp',
      join(libraries, '*'),
      'kafka.Kafka',
      folder.settings,
    ];
  }

  #ended(broker: BrokerProcess, code: number | null): void {
    if (this.#process === broker) this.#process = undefined;
    if (!this.#isAsked) this.#options.onDeath(this, code);
  }

  async #waitUntilReady(broker: BrokerProcess): Promise<boolean> {
    const deadline = Date.now() + startSeconds * 1_000;
    while (this.#process === broker) {
      if (await answers(this.#options.probePort, 1_000)) return this.#process === broker;
      if (Date.now() > deadline) {
        await broker.stop();
        const words = logTail(this.folder);
        throw failed(`Apache Kafka did not answer within ${startSeconds} s; the end of its log:\n${words}`);
      }
      await sleep(100);
    }
    return false;
  }
}
