/**
 * A service in its own process, restarted as by an orchestrator: at once after an unexpected exit, with increasing
 * delays when it exits soon again. Its output goes to a file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export type ServiceName = 'ingest' | 'extract' | 'classify';

export interface SupervisedOptions {
  /** Unique in a run, e.g. `extract-2`. */
  readonly name: string;
  readonly service: ServiceName;
  /** Port of probes and metrics. */
  readonly adminPort: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Folder of the built checkout whose service runs; default: this one. */
  readonly checkout?: string | undefined;
}

export interface UnexpectedExit {
  readonly name: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const firstWaitMs = 300;
const longestWaitMs = 4_000;
/** A process that ran longer is restarted without a delay. */
const longLifeMs = 10_000;
const stopSeconds = 15;
const readySeconds = 180;

export class SupervisedProcess {
  readonly name: string;
  readonly service: ServiceName;
  /** Exits after it was ready, without a fault or a stop. A start while Kafka is away may fail. */
  readonly unaskedEnds: UnexpectedExit[] = [];
  /** Under a fault: no other one may choose it. */
  isTaken = false;
  readonly #options: SupervisedOptions;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #isReady = false;
  #isWanted = false;
  #isDestroyed = false;
  /** Exits during a fault are expected. */
  #excused = false;
  #restart: NodeJS.Timeout | undefined;
  #soonEnds = 0;
  /** The checkout of the next start. */
  checkout: string;

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.service = options.service;
    this.#options = options;
    this.checkout = options.checkout ?? root;
    this.#log = createWriteStream(options.logFile, { flags: 'a' });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get metricsUrl(): string {
    return `${this.adminUrl}/metrics`;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.#options.adminPort}`;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves when it reports ready. */
  async start(): Promise<void> {
    this.#isWanted = true;
    this.#spawn();
    const deadline = performance.now() + readySeconds * 1_000;
    while (!this.#isReady) {
      if (!this.#isWanted || this.#isDestroyed) return;
      if (performance.now() > deadline)
        throw new Error(`${this.name} did not become ready: ${this.#options.logFile}`);
      await sleep(50);
    }
  }

  send(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Kills it, runs `meanwhile`, and restarts it after `awayMs`. */
  async kill(awayMs: number, meanwhile?: () => Promise<void>): Promise<void> {
    this.#isWanted = false;
    await this.#end('SIGKILL');
    await meanwhile?.();
    await sleep(awayMs);
    this.#isWanted = true;
    this.#spawn();
  }

  /** Exits while `work` runs are expected. */
  async excuse(work: () => Promise<void>): Promise<void> {
    this.#excused = true;
    await work().finally(() => {
      this.#excused = false;
    });
  }

  /** Resolves to its exit code. */
  async stop(): Promise<number | null> {
    this.#isWanted = false;
    clearTimeout(this.#restart);
    this.send('SIGCONT');
    return this.#end('SIGTERM');
  }

  /** Kills it at the end of a run. */
  async destroy(): Promise<void> {
    this.#isWanted = false;
    this.#isDestroyed = true;
    clearTimeout(this.#restart);
    await this.#end('SIGKILL');
    this.#log.end();
  }

  #spawn(): void {
    clearTimeout(this.#restart);
    if (this.#isDestroyed) return;
    const { service, environment } = this.#options;
    const born = performance.now();
    const child = spawn(process.execPath, [join(this.checkout, `services/${service}/dist/main.js`)], {
      cwd: this.checkout,
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#isReady = false;
    this.#log.write(`--- process ${child.pid} at ${new Date().toISOString()}\n`);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => {
        this.#log.write(text);
        if (text.includes('"msg":"ready"')) this.#isReady = this.#child === child;
      });
    }
    child.once('error', (error) => this.#log.write(`--- ${error.message}\n`));
    child.once('close', (code, signal) => this.#ended(child, code, signal, performance.now() - born));
  }

  #ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null, livedMs: number): void {
    this.#log.write(`--- process ${child.pid} ended: ${signal ?? code} at ${new Date().toISOString()}\n`);
    if (this.#child !== child) return;
    const wasReady = this.#isReady;
    this.#child = undefined;
    this.#isReady = false;
    if (!this.#isWanted) return;
    if (wasReady && !this.#excused) this.unaskedEnds.push({ name: this.name, code, signal });
    this.#soonEnds = livedMs > longLifeMs ? 0 : this.#soonEnds + 1;
    const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#soonEnds);
    this.#restart = setTimeout(() => this.#spawn(), wait);
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.kill(signal);
    const insist = setTimeout(() => child.kill('SIGKILL'), stopSeconds * 1_000);
    return closed.finally(() => clearTimeout(insist));
  }
}
