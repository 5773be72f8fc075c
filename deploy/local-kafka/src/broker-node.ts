/** One broker of a local Kafka: settings, formatted data folder, and its current process. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type BrokerFolder, logTail } from './broker-folder.ts';
import { type BrokerProcess, readTail, startBroker } from './broker-process.ts';
import { type BrokerNode, brokerLogSettings, brokerSettings } from './broker-settings.ts';
import { failed } from './failed.ts';
import { isServing } from './requests/probe.ts';

/** A broker of a running local Kafka; data and port outlive its process. */
export interface LocalBroker {
  /** `node.id`, from 1. */
  readonly id: number;
  /** Address for clients, e.g. `127.0.0.1:40123`. */
  readonly address: string;
  /** Listen port of the broker itself, behind an advertised port. */
  readonly port: number;
  /** Process id of the watchdog shell; undefined while the broker is down. */
  readonly pid: number | undefined;
  /** Starts again after `stop`, `kill` or a crash, with its port and data. Errors: local-kafka-failed. */
  start(): Promise<void>;
  /** Stops by SIGTERM, which first moves partitions to other brokers. Idempotent. */
  stop(): Promise<void>;
  /** Kills by SIGKILL; unsynced data stays in the system's page cache. Idempotent. */
  kill(): Promise<void>;
}

interface NodeOptions {
  readonly java: string;
  readonly libraries: string;
  readonly folder: BrokerFolder;
  readonly node: BrokerNode;
  readonly nodes: readonly BrokerNode[];
  /** Settings that replace the plain listener. */
  readonly security?: Readonly<Record<string, string>> | undefined;
  /** Port that needs no password. */
  readonly probePort: number;
  /** Must resolve before the start continues, so that the process is recorded. */
  readonly onProcess: (pid: number) => Promise<void>;
  /** Called when the broker ended without `stop` or `kill`. */
  readonly onDeath: (node: Node, code: number | null) => void;
}

const startSeconds = 90;

/** JVM options for short-lived and secondary processes: no second compiler, serial garbage collection. */
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

  /** Formats a new data folder with its cluster id. */
  async format(clusterId: string, more: readonly string[]): Promise<void> {
    const { java, libraries, folder } = this.#options;
    const command = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', folder.settings];
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off';
    const jvm = ['-Xmx128m', ...quickJvm, quiet, '-cp', join(libraries, '*')];
    try {
      await promisify(execFile)(java, [...jvm, ...command, '--ignore-formatted', ...more]);
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw failed(`cannot format the data folder ${folder.data}:\n${stdout}${stderr}`, error);
    }
  }

  async start(): Promise<void> {
    if (await this.tryStart()) return;
    const { log } = this.folder;
    throw failed(`Apache Kafka did not start; the end of ${log}:\n${logTail(this.folder)}`);
  }

  /** False when the broker ended during its start. Errors: local-kafka-failed after a timeout. */
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
      if (await isServing(this.#options.probePort, 1_000)) return this.#process === broker;
      if (Date.now() > deadline) {
        await broker.stop();
        const words = logTail(this.folder);
        throw failed(`Apache Kafka did not respond within ${startSeconds} s; the end of its log:\n${words}`);
      }
      await sleep(100);
    }
    return false;
  }
}
