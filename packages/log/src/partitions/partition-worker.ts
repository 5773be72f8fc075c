/**
 * Processes one partition during one assignment: queues fetched records, passes batches to the processor,
 * applies the verdicts of errors, and commits outputs and offsets in order. A commit with unknown outcome ends
 * the worker, and the partition is reopened from the committed offsets.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { LogRecord, PartitionObserver, PartitionProcessor, Positions, ProcessorOutput } from '../api.ts';
import { backoffMs, pauseFor } from '../backoff.ts';
import { deadLetterRecord } from '../records/provenance.ts';
import type { FetchedChunk, GroupMember, PartitionTransactions } from './membership.ts';
import type { PartitionProgress } from './partition-progress.ts';
import { type Batch, type BatchLimits, PartitionQueue } from './partition-queue.ts';

interface PartitionWorkerOptions {
  readonly partition: number;
  readonly group: string;
  readonly limits: BatchLimits;
  readonly inFlight: number;
  readonly idleAfterMs: number | undefined;
  readonly deadLetterTopic: (topic: string) => string;
  readonly observer: PartitionObserver | undefined;
  readonly progress: PartitionProgress | undefined;
  readonly member: GroupMember;
  readonly transactions: PartitionTransactions;
  readonly processor: PartitionProcessor;
  readonly positions: Positions;
}

const nothing: ProcessorOutput = { records: [], deadLetters: [] };
/** Delay before the commit of a position that moved without records (control records, aborted records). */
const positionCommitDelayMs = 500;

export class PartitionWorker {
  /** The error that ended this worker; undefined when it was dropped or drained. */
  readonly ended: Promise<HeadwaterError | undefined>;
  readonly #options: PartitionWorkerOptions;
  readonly #queue: PartitionQueue;
  readonly #abort = new AbortController();
  readonly #fetched: Map<string, bigint>;
  readonly #committed: Map<string, bigint>;
  #end: (error: HeadwaterError | undefined) => void = () => undefined;
  #inProgress = 0;
  #turn: Promise<void> = Promise.resolve();
  #paused = false;
  #draining = false;
  #idleReported = false;
  #woken = false;
  #lastActivity = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PartitionWorkerOptions) {
    this.#options = options;
    this.#queue = new PartitionQueue(options.limits);
    this.#fetched = new Map(options.positions);
    this.#committed = new Map(options.positions);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Starts fetching; before this call the partition is paused. */
  start(): void {
    this.#options.member.seek(this.#options.partition, this.#options.positions);
    this.#pump();
  }

  fetched(topic: string, chunk: FetchedChunk): void {
    if (this.#abort.signal.aborted || this.#draining) return;
    if (!this.#continues(topic, chunk)) return;
    this.#options.progress?.fetched(this.#options.partition, topic, chunk.high);
    this.#queue.add(chunk, performance.now());
    this.#idleReported = false;
    this.#lastActivity = performance.now();
    if (this.#queue.isFull && !this.#paused) {
      this.#paused = true;
      this.#options.member.pause(this.#options.partition);
    }
    this.#pump();
  }

  /** Requests outputs of the processor without a batch. */
  wake(): void {
    this.#woken = true;
    this.#pump();
  }

  /** Drops uncommitted work immediately; resolves when all processing has ended. */
  async drop(): Promise<void> {
    this.#finish(undefined);
    await this.#turn;
  }

  /** Takes no further batch; resolves when the batches in progress are committed. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#queue.clear();
    await this.#turn;
    this.#finish(undefined);
  }

  /** Chunks are contiguous; any other chunk is left over from a former position. */
  #continues(topic: string, chunk: FetchedChunk): boolean {
    if (this.#fetched.get(topic) !== chunk.from) return false;
    this.#fetched.set(topic, chunk.next);
    return true;
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted || this.#draining) return;
    if (this.#woken && this.#inProgress < this.#options.inFlight) this.#launchOffer();
    let wait = this.#queue.wait(performance.now());
    while (wait === 0 && this.#inProgress < this.#options.inFlight) {
      this.#launch(this.#queue.take(performance.now()));
      wait = this.#queue.wait(performance.now());
    }
    this.#resumeIfLow();
    if (this.#inProgress >= this.#options.inFlight) return;
    const next = wait ?? this.#untilQuiet();
    if (next !== undefined) this.#timer = setTimeout(() => this.#onTimer(), next);
  }

  #resumeIfLow(): void {
    if (!this.#paused || !this.#queue.isLow) return;
    this.#paused = false;
    this.#options.member.resume(this.#options.partition);
  }

  #launch(batch: Batch): void {
    const attempt = this.#attempt(batch.records);
    attempt.catch(() => undefined);
    this.#inTurn(async () => {
      await this.#commitOrIsolate(batch, attempt);
    });
  }

  #launchOffer(): void {
    this.#woken = false;
    this.#inTurn(async () => {
      const output = await this.#options.processor.offer?.(this.#abort.signal);
      await this.#commitAlone(output ?? null);
    });
  }

  /** Runs `work` after all work that was launched before it. */
  #inTurn(work: () => Promise<void>): void {
    this.#inProgress += 1;
    this.#turn = this.#turn
      .then(async () => {
        if (!this.#abort.signal.aborted) await work();
      })
      .catch((error: unknown) => this.#finish(asHeadwaterError(error)))
      .then(() => {
        this.#inProgress -= 1;
        this.#lastActivity = performance.now();
        this.#pump();
      });
  }

  /** Computes the outputs of a batch; retries until the partition is dropped. */
  async #attempt(records: readonly LogRecord[]): Promise<ProcessorOutput> {
    const { signal } = this.#abort;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#options.processor.process(records, signal);
      } catch (thrown) {
        const error = asHeadwaterError(thrown);
        if (error.verdict !== 'retry' || signal.aborted) throw error;
        this.#options.observer?.retried?.(this.#options.partition, error);
        await pauseFor(backoffMs(attempt), signal);
        if (signal.aborted) throw error;
      }
    }
  }

  /** Commits the outputs of a batch, or isolates the failing record of it. */
  async #commitOrIsolate(batch: Batch, attempt: Promise<ProcessorOutput>): Promise<void> {
    const started = performance.now();
    try {
      const output = await attempt;
      await this.#commit(batch, output, started);
    } catch (thrown) {
      if (this.#abort.signal.aborted) return;
      const error = asHeadwaterError(thrown);
      if (error.verdict !== 'dead-letter') throw error;
      await this.#isolate(batch, error);
    }
  }

  /** Splits a batch until the failing record is alone, and commits that as a dead letter. */
  async #isolate(batch: Batch, error: HeadwaterError): Promise<void> {
    const [record] = batch.records;
    if (batch.records.length === 1 && record !== undefined) {
      const stage = error.context.stage;
      const deadLetter = { record, stage: typeof stage === 'string' ? stage : 'process', error };
      await this.#commitOrStop(batch, { ...nothing, deadLetters: [deadLetter] });
      return;
    }
    const middle = Math.ceil(batch.records.length / 2);
    for (const [from, to] of [
      [0, middle],
      [middle, batch.records.length],
    ] as const) {
      if (this.#abort.signal.aborted) return;
      const part = { records: batch.records.slice(from, to), nexts: batch.nexts.slice(from, to) };
      await this.#commitOrIsolate(part, this.#attempt(part.records));
    }
  }

  /** A dead letter that cannot be written stops the group: there is no further fallback. */
  async #commitOrStop(batch: Batch, output: ProcessorOutput): Promise<void> {
    try {
      await this.#commit(batch, output, performance.now());
    } catch (thrown) {
      const error = asHeadwaterError(thrown);
      if (error.verdict !== 'dead-letter') throw error;
      const message = `cannot write a dead letter: ${error.message}; raise max.message.bytes of its topic`;
      throw new HeadwaterError(error.code, message, {
        verdict: 'stop',
        cause: error,
        context: error.context,
      });
    }
  }

  async #commit(batch: Batch, output: ProcessorOutput, started: number): Promise<void> {
    const { partition, group, transactions, deadLetterTopic, observer } = this.#options;
    if (this.#abort.signal.aborted) return;
    const positions = this.#after(batch);
    const deadLetters = output.deadLetters.map((deadLetter) =>
      deadLetterRecord(deadLetter, deadLetterTopic(deadLetter.record.topic), group),
    );
    await transactions.commit([...output.records, ...deadLetters], positions);
    for (const [topic, next] of positions) this.#committed.set(topic, next);
    await notifyCommitted(output, new Map(this.#committed));
    observer?.committed?.(partition, {
      records: batch.records.length,
      outputs: output.records.length,
      deadLetters: deadLetters.length,
      seconds: (performance.now() - started) / 1000,
    });
    this.#options.progress?.committed(partition, this.#committed);
  }

  /** Positions after a batch, of the topics that occur in it. */
  #after(batch: Batch): Map<string, bigint> {
    const positions = new Map<string, bigint>();
    batch.records.forEach((record, index) => {
      positions.set(record.topic, batch.nexts[index] ?? record.offset + 1n);
    });
    return positions;
  }

  /** Milliseconds until the next idle call or position commit; undefined when none is due. */
  #untilQuiet(): number | undefined {
    if (this.#inProgress > 0) return undefined;
    const { idleAfterMs, processor } = this.#options;
    const reportsIdle = idleAfterMs !== undefined && processor.idle !== undefined && !this.#idleReported;
    const waits = [
      ...(reportsIdle ? [idleAfterMs] : []),
      ...(this.#hasMoved() ? [positionCommitDelayMs] : []),
    ];
    if (waits.length === 0) return undefined;
    return Math.max(0, this.#lastActivity + Math.min(...waits) - performance.now());
  }

  #onTimer(): void {
    if (this.#queue.length > 0 || this.#untilQuiet() !== 0) this.#pump();
    else this.#inTurn(() => (this.#hasMoved() ? this.#commitPositions() : this.#idle()));
  }

  #hasMoved(): boolean {
    for (const [topic, next] of this.#fetched) {
      if (next !== this.#committed.get(topic)) return true;
    }
    return false;
  }

  /** Without this commit, the lag would never be zero after an aborted transaction. */
  async #commitPositions(): Promise<void> {
    if (this.#queue.length > 0) return;
    const moved = new Map([...this.#fetched].filter(([topic, next]) => next !== this.#committed.get(topic)));
    await this.#options.transactions.commit([], moved);
    for (const [topic, next] of moved) this.#committed.set(topic, next);
    this.#options.progress?.committed(this.#options.partition, this.#committed);
  }

  async #idle(): Promise<void> {
    const { member, partition, processor } = this.#options;
    if (this.#queue.length > 0 || !this.#isAtEnd(await member.ends(partition)) || this.#queue.length > 0)
      return;
    this.#idleReported = true;
    const output = await processor.idle?.(this.#abort.signal);
    await this.#commitAlone(output ?? null);
  }

  /** Commits outputs without a batch; these move no position. */
  async #commitAlone(output: ProcessorOutput | null): Promise<void> {
    if (output !== null) await this.#commit({ records: [], nexts: [] }, output, performance.now());
  }

  #isAtEnd(ends: Positions): boolean {
    for (const [topic, end] of ends) {
      if ((this.#fetched.get(topic) ?? 0n) < end) return false;
    }
    return true;
  }

  #finish(error: HeadwaterError | undefined): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#queue.clear();
    this.#end(error);
  }
}

/** The batch is committed: an error here must not reprocess it, so a dead-letter verdict becomes stop. */
async function notifyCommitted(output: ProcessorOutput, positions: Positions): Promise<void> {
  try {
    await output.committed?.(positions);
  } catch (thrown) {
    const error = asHeadwaterError(thrown);
    if (error.verdict !== 'dead-letter') throw error;
    const { code, message, context } = error;
    throw new HeadwaterError(code, message, { verdict: 'stop', cause: error, context });
  }
}
