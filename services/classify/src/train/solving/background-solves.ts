/**
 * Solves heads of one partition in the background, at most one a series, while the partition goes on
 * learning; keeps solved heads until they are published. A solve works on a copy of a committed set, so later
 * examples do not affect it.
 */
import { asHeadwaterError } from '@headwater/errors';
import {
  type Classifier,
  type Head,
  type HeadMode,
  type LabelledVector,
  openHead,
  type TrainingSet,
} from '@headwater/heads';
import type { LogRecord } from '@headwater/log';
import type { HeadTrained } from '@headwater/schemas';
import { needsAdditionalExamples } from '../examples/additional-examples.ts';
import { type HeadSeries, pauseAfter, pauseAfterFailure } from '../scoring/head-series.ts';
import type { TrainMetrics } from '../scoring/train-metrics.ts';
import type { SolveSettings } from '../training-set-settings.ts';
import type { Solver } from './solver.ts';
import type { Urgency } from './solver-worker.ts';

export interface SolveTask {
  readonly series: HeadSeries;
  readonly set: TrainingSet;
  readonly mode: HeadMode;
  /** Offset behind the set's examples. */
  readonly watermark: bigint;
  /** The last learned record. */
  readonly cause: LogRecord | undefined;
  /** Predictions wait for heads of this series. */
  readonly serves: boolean;
}

export interface SolvedHead extends Pick<SolveTask, 'series' | 'watermark' | 'cause'> {
  readonly head: Head;
  readonly parameters: HeadTrained['parameters'];
  readonly classifier: Classifier;
}

export interface BackgroundSolvesOptions {
  readonly solver: Solver;
  settingsOf(task: string): SolveSettings;
  readonly trainMetrics: Pick<TrainMetrics, 'solved' | 'failed'>;
  readonly logger: { error(fields: object, message: string): void };
  storeParameters(bytes: Uint8Array): Promise<HeadTrained['parameters']>;
  /** Reads the set's sample again where removals have used it up. */
  refill(set: TrainingSet): void;
  /**
   * Examples beyond the sample, for kinds that learn from each; the set stays unchanged until the signal
   * aborts.
   */
  readExamples(set: TrainingSet, signal: AbortSignal): Promise<readonly LabelledVector[]>;
  /** Called when a head is solved, or a series is free again. */
  changed(): void;
}

interface Running {
  readonly mode: HeadMode;
  readonly abort: AbortController;
}

export class BackgroundSolves {
  readonly #options: BackgroundSolvesOptions;
  readonly #running = new Map<HeadSeries, Running>();
  readonly #solved = new Map<HeadSeries, SolvedHead>();

  constructor(options: BackgroundSolvesOptions) {
    this.#options = options;
  }

  /** Solved and not yet published. */
  get solved(): readonly SolvedHead[] {
    return [...this.#solved.values()];
  }

  isUnderWay(series: HeadSeries): boolean {
    return this.#running.has(series) || this.#solved.has(series);
  }

  /** Copies the set before it returns; false where no thread is free. */
  start(task: SolveTask): boolean {
    const { solver } = this.#options;
    const urgency: Urgency = task.serves && task.mode === 'provisional' ? 'now' : 'later';
    if (!solver.isFree(urgency)) return false;
    const running = { mode: task.mode, abort: new AbortController() };
    this.#running.set(task.series, running);
    void this.#finish(task, running, this.#solve(task, urgency, running.abort.signal));
    return true;
  }

  /** Labels have resumed: settled heads are solved at the next pause. */
  dropSettled(): void {
    for (const [series, { mode }] of this.#running) if (mode === 'settled') this.drop(series);
  }

  /** Cancels all work of this series, such as of an empty set. */
  drop(series: HeadSeries): void {
    this.#running.get(series)?.abort.abort();
    this.#running.delete(series);
    this.#solved.delete(series);
  }

  published(heads: readonly SolvedHead[]): void {
    for (const head of heads) if (this.#solved.get(head.series) === head) this.#solved.delete(head.series);
  }

  close(): void {
    for (const series of [...this.#running.keys(), ...this.#solved.keys()]) this.drop(series);
  }

  /** Copies the set before its first await. */
  async #solve({ series, set, mode }: SolveTask, urgency: Urgency, signal: AbortSignal): Promise<Head> {
    const { solver, settingsOf, refill, readExamples } = this.#options;
    const { prior, units } = settingsOf(series.task);
    refill(set);
    const more = needsAdditionalExamples(series.kind, mode) ? readExamples(set, signal) : undefined;
    return solver.start(set, { kind: series.kind, mode, prior, units }, urgency, signal, more);
  }

  /** A failed solve must not stop learning or predictions. */
  async #finish(task: SolveTask, running: Running, solving: Promise<Head>): Promise<void> {
    const { series, mode, watermark, cause, serves } = task;
    const { trainMetrics, storeParameters, changed } = this.#options;
    const began = performance.now();
    try {
      const head = await solving;
      const seconds = (performance.now() - began) / 1000;
      const parameters = await storeParameters(head.parameters);
      if (running.abort.signal.aborted) return;
      this.#solved.set(series, { series, watermark, cause, head, parameters, classifier: openHead(head) });
      pauseAfter(series, mode, seconds * 1000, serves);
      trainMetrics.solved(mode, seconds);
    } catch (thrown) {
      if (!running.abort.signal.aborted) this.#fail(task, thrown);
    } finally {
      if (this.#running.get(series) === running) this.#running.delete(series);
      if (!running.abort.signal.aborted) changed();
    }
  }

  #fail({ series, set }: SolveTask, thrown: unknown): void {
    const { trainMetrics, logger } = this.#options;
    const { code, message } = asHeadwaterError(thrown);
    const { extractor, task, kind } = series;
    const fields = { extractor, task, kind, examples: set.examples, code, reason: message };
    logger.error(fields, 'head cannot be solved');
    trainMetrics.failed(code);
    pauseAfterFailure(series);
  }
}
