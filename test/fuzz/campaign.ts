/**
 * Parent process: sends cases to a child, watches its life, memory and silence, and starts another child
 * behind the case that ended it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Order, Report } from './case-runner.ts';
import type { Target } from './target.ts';

export interface FoundCase {
  readonly index: number;
  readonly kind: 'crash' | 'hang' | 'memory' | 'wrong';
  readonly what: string;
  /** Undefined where the process ended first: it can be generated again from the index. */
  readonly input: Buffer | undefined;
}

export interface CampaignResult {
  readonly target: string;
  readonly cases: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly findings: readonly FoundCase[];
  /** Number of children that were replaced. */
  readonly restarts: number;
  readonly memory: {
    readonly boundBytes: number;
    readonly peakBytes: number;
    /**
     * Median resident memory in the second and in the last tenth of the cases: their difference is the
     * growth.
     */
    readonly earlyBytes: number;
    readonly lateBytes: number;
  };
  readonly seconds: number;
}

export interface CampaignOptions {
  readonly target: Target;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly signal: AbortSignal;
  readonly progress?: (done: number) => void;
  /** Instead of generated inputs. */
  readonly input?: Buffer;
}

const sampleEveryMs = 100;
const startTimeoutMs = 60_000;

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-fuzz-'));
  try {
    return await new Campaign(options, join(folder, 'case')).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

class Campaign {
  readonly #options: CampaignOptions;
  readonly #note: string;
  readonly #outcomes = new Map<string, number>();
  readonly #findings: FoundCase[] = [];
  readonly #samples: Sample[] = [];
  #peak = 0;
  #next: number;
  #restarts = 0;

  constructor(options: CampaignOptions, note: string) {
    this.#options = options;
    this.#note = note;
    this.#next = options.from;
  }

  async run(): Promise<CampaignResult> {
    const { target, from, to, signal } = this.#options;
    const started = performance.now();
    while (this.#next < to && !signal.aborted) {
      if (this.#next > from) this.#restarts += 1;
      await this.#runChild();
    }
    return {
      target: target.name,
      cases: this.#next - from,
      outcomes: Object.fromEntries([...this.#outcomes].sort((a, b) => b[1] - a[1])),
      findings: this.#findings,
      restarts: this.#restarts,
      memory: {
        boundBytes: target.memoryBytes,
        peakBytes: this.#peak,
        earlyBytes: this.#medianAt(0.1, 0.2),
        lateBytes: this.#medianAt(0.9, 1),
      },
      seconds: (performance.now() - started) / 1_000,
    };
  }

  /** Runs until all cases are done, or one of them has ended the child. */
  async #runChild(): Promise<void> {
    writeFileSync(this.#note, ' '.repeat(16));
    const child = fork(fileURLToPath(new URL('child.mjs', import.meta.url)), {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A small heap, so that growth is retained memory and not uncollected garbage.
      execArgv: ['--max-old-space-size=128'],
    });
    let stderr = '';
    child.stderr?.on('data', (chunk) => {
      stderr = `${stderr}${chunk}`.slice(-2_000);
    });
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    const stop = () => child.kill('SIGKILL');
    this.#options.signal.addEventListener('abort', stop);
    const watch = this.#watch(child);
    let isDone = false;
    child.on('message', (message: Report[] | { readonly kind: 'ready' }) => {
      watch.heard();
      if (!Array.isArray(message)) return void child.send(this.#order());
      for (const report of message) {
        if (report.kind === 'end') isDone = true;
        else if (report.kind === 'memory') this.#samples.push({ at: report.index, bytes: report.bytes });
        else this.#take(report);
      }
      this.#options.progress?.(this.#next - this.#options.from);
      if (isDone) child.disconnect();
    });
    const how = await ended;
    watch.end();
    this.#options.signal.removeEventListener('abort', stop);
    if (isDone || this.#options.signal.aborted) return;
    this.#blame(watch.reason ?? { kind: 'crash', what: `the process ended: ${how}` }, stderr);
  }

  #order(): Order {
    const { target, seed, to, input } = this.#options;
    return {
      target: target.name,
      seed,
      from: this.#next,
      to,
      note: this.#note,
      ...(input === undefined ? {} : { input: input.toString('base64') }),
    };
  }

  #take(report: Extract<Report, { kind: 'done' | 'finding' }>): void {
    this.#next = report.index + 1;
    const outcome = report.kind === 'done' ? report.outcome : 'finding';
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    if (report.kind === 'done') return;
    const { index, what, input } = report;
    this.#findings.push({ index, kind: 'wrong', what, input: Buffer.from(input, 'base64') });
  }

  /** The last noted case ended the child; earlier ones whose reports were lost count as done. */
  #blame({ kind, what }: Pick<FoundCase, 'kind' | 'what'>, stderr: string): void {
    const noted = Number(readFileSync(this.#note, 'utf8').trim() || Number.NaN);
    if (Number.isNaN(noted)) throw new Error(`the process that runs cases cannot start: ${stderr}`);
    const last = stderr.trim();
    this.#findings.push({
      index: noted,
      kind,
      what: last === '' ? what : `${what}\n${last}`,
      input: undefined,
    });
    this.#outcomes.set(kind, (this.#outcomes.get(kind) ?? 0) + 1);
    this.#next = noted + 1;
  }

  /** Ends the child when it is silent for too long, or holds too much memory. */
  #watch(child: ChildProcess) {
    const { target } = this.#options;
    let lastCase = '';
    let since = performance.now() + startTimeoutMs;
    const state: { reason: Pick<FoundCase, 'kind' | 'what'> | undefined } = { reason: undefined };
    const end = (kind: FoundCase['kind'], what: string) => {
      state.reason ??= { kind, what };
      child.kill('SIGKILL');
    };
    const timer = setInterval(() => {
      const bytes = residentBytes(child.pid);
      this.#peak = Math.max(this.#peak, bytes);
      const current = readFileSync(this.#note, 'utf8').trim();
      if (bytes > target.memoryBytes)
        end('memory', `${bytes} bytes are resident, and ${target.memoryBytes} allowed`);
      if (current !== lastCase) {
        lastCase = current;
        since = performance.now();
      }
      if (performance.now() - since > target.timeoutMs) end('hang', `no end within ${target.timeoutMs} ms`);
    }, sampleEveryMs);
    return {
      get reason() {
        return state.reason;
      },
      heard: () => {
        since = Math.max(since, performance.now());
      },
      end: () => clearInterval(timer),
    };
  }

  #medianAt(from: number, to: number): number {
    const { from: first, to: end } = this.#options;
    const at = (share: number) => first + share * (end - first);
    const bytes = this.#samples
      .filter((sample) => sample.at >= at(from) && sample.at <= at(to))
      .map((sample) => sample.bytes)
      .sort((a, b) => a - b);
    return bytes[bytes.length >> 1] ?? 0;
  }
}

/** 0 where it is unknown: the process has ended, or this is not Linux. */
function residentBytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
