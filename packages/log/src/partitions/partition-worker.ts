/**
 * One partition at work, between an assignment and its end: it queues what is fetched, hands batches to the
 * session, answers errors by their verdict, and commits outputs and offsets in order. Whatever makes the
 * outcome of a commit unknown ends the worker, and the partition is opened anew from the committed offsets.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { LogRecord, PartitionObserver, PartitionProcessor, Positions, ProcessorOutput } from '../api.ts';
import { backoffMs, pauseFor } from '../backoff.ts';
import { deadLetterRecord } from '../records/provenance.ts';
import type { FetchedChunk, GroupMember, PartitionTransactions } from './membership.ts';
import type { PartitionProgress } from './partition-progress.ts';
import { type Batch, type BatchLimits, PartitionQueue } from './partition-queue.ts';

export interface PartitionWorkerOptions {
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
  readonly session: PartitionProcessor;
  readonly positions: Positions;
}

const nothing: ProcessorOutput = { records: [], deadLetters: [] };
/** A position that moved without a record (control records, aborted ones) is committed after this long. */
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
  #underWay = 0;
  #turn: Promise<void> = Promise.resolve();
  #paused = false;
  #draining = false;
  #idleReported = false;
  #woken = false;
  #lastActivity = Date.now();
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

  /** Fetching starts here; before this the partition is paused. */
  start(): void {
    this.#options.member.seek(this.#options.partition, this.#options.positions);
    this.#pump();
  }

  fetched(topic: string, chunk: FetchedChunk): void {
    if (this.#abort.signal.aborted || this.#draining) return;
    if (!this.#continues(topic, chunk)) return;
    this.#options.progress?.fetched(this.#options.partition, topic, chunk.high);
    this.#queue.add(chunk, Date.now());
    this.#idleReported = false;
    this.#lastActivity = Date.now();
    if (this.#queue.isFull && !this.#paused) {
      this.#paused = true;
      this.#options.member.pause(this.#options.partition);
    }
    this.#pump();
  }

  /** The session has something to say though nothing came. */
  wake(): void {
    this.#woken = true;
    this.#pump();
  }

  /** Drops what is not committed, at once; resolves when nothing of it runs any more. */
  async drop(): Promise<void> {
    this.#finish(undefined);
    await this.#turn;
  }

  /** Takes nothing more, and resolves when what is under way is committed. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#queue.clear();
    await this.#turn;
    this.#finish(undefined);
  }

  /** Chunks follow each other without a gap; anything else is a leftover of a former position. */
  #continues(topic: string, chunk: FetchedChunk): boolean {
    if (this.#fetched.get(topic) !== chunk.from) return false;
    this.#fetched.set(topic, chunk.next);
    return true;
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted || this.#draining) return;
    if (this.#woken && this.#underWay < this.#options.inFlight) this.#launchOffer();
    let wait = this.#queue.wait(Date.now());
    while (wait === 0 && this.#underWay < this.#options.inFlight) {
      this.#launch(this.#queue.take(Date.now()));
      wait = this.#queue.wait(Date.now());
    }
    this.#resumeIfLow();
    if (this.#underWay >= this.#options.inFlight) return;
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
      await this.#settle(batch, attempt);
    });
  }

  #launchOffer(): void {
    this.#woken = false;
    this.#inTurn(async () => {
      const output = await this.#options.session.offer?.(this.#abort.signal);
      await this.#commitAlone(output ?? null);
    });
  }

  /** Runs `work` after all that was launched before it. */
  #inTurn(work: () => Promise<void>): void {
    this.#underWay += 1;
    this.#turn = this.#turn
      .then(async () => {
        if (!this.#abort.signal.aborted) await work();
      })
      .catch((error: unknown) => this.#finish(asHeadwaterError(error)))
      .then(() => {
        this.#underWay -= 1;
        this.#lastActivity = Date.now();
        this.#pump();
      });
  }

  /** Outputs of a batch; an error to retry is retried until the partition is dropped. */
  async #attempt(records: readonly LogRecord[]): Promise<ProcessorOutput> {
    const { signal } = this.#abort;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#options.session.process(records, signal);
      } catch (thrown) {
        const error = asHeadwaterError(thrown);
        if (error.verdict !== 'retry' || signal.aborted) throw error;
        this.#options.observer?.retried?.(this.#options.partition, error);
        await pauseFor(backoffMs(attempt), signal);
        if (signal.aborted) throw error;
      }
    }
  }

  /** Commits what came of a batch; where a record is to blame, splits until it stands alone. */
  async #settle(batch: Batch, attempt: Promise<ProcessorOutput>): Promise<void> {
    const started = Date.now();
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

  async #isolate(batch: Batch, error: HeadwaterError): Promise<void> {
    const [record] = batch.records;
    if (batch.records.length === 1 && record !== undefined) {
      const stage = error.context.stage;
      const letter = { record, stage: typeof stage === 'string' ? stage : 'process', error };
      await this.#commitOrStop(batch, { ...nothing, deadLetters: [letter] });
      return;
    }
    const middle = Math.ceil(batch.records.length / 2);
    for (const [from, to] of [
      [0, middle],
      [middle, batch.records.length],
    ] as const) {
      if (this.#abort.signal.aborted) return;
      const part = { records: batch.records.slice(from, to), nexts: batch.nexts.slice(from, to) };
      await this.#settle(part, this.#attempt(part.records));
    }
  }

  /** A dead letter that cannot be written leaves nothing to fall back on. */
  async #commitOrStop(batch: Batch, output: ProcessorOutput): Promise<void> {
    try {
      await this.#commit(batch, output, Date.now());
    } catch (thrown) {
      const error = asHeadwaterError(thrown);
      if (error.verdict !== 'dead-letter') throw error;
      const message = `a dead letter cannot be written: ${error.message}; raise max.message.bytes of its topic`;
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
    const letters = output.deadLetters.map((letter) =>
      deadLetterRecord(letter, deadLetterTopic(letter.record.topic), group),
    );
    await transactions.commit([...output.records, ...letters], positions);
    for (const [topic, next] of positions) this.#committed.set(topic, next);
    await notifyCommitted(output, new Map(this.#committed));
    observer?.committed?.(partition, {
      records: batch.records.length,
      outputs: output.records.length,
      deadLetters: letters.length,
      seconds: (Date.now() - started) / 1000,
    });
    this.#options.progress?.committed(partition, this.#committed);
  }

  /** Positions after a batch, for the topics that it moves. */
  #after(batch: Batch): Map<string, bigint> {
    const positions = new Map<string, bigint>();
    batch.records.forEach((record, index) => {
      positions.set(record.topic, batch.nexts[index] ?? record.offset + 1n);
    });
    return positions;
  }

  /** Milliseconds until there is something to do though nothing came; undefined when there never is. */
  #untilQuiet(): number | undefined {
    if (this.#underWay > 0) return undefined;
    const { idleAfterMs, session } = this.#options;
    const asked = idleAfterMs !== undefined && session.idle !== undefined && !this.#idleReported;
    const waits = [...(asked ? [idleAfterMs] : []), ...(this.#hasMoved() ? [positionCommitDelayMs] : [])];
    if (waits.length === 0) return undefined;
    return Math.max(0, this.#lastActivity + Math.min(...waits) - Date.now());
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

  /** Without this, a group's lag would never be zero behind an aborted transaction. */
  async #commitPositions(): Promise<void> {
    if (this.#queue.length > 0) return;
    const moved = new Map([...this.#fetched].filter(([topic, next]) => next !== this.#committed.get(topic)));
    await this.#options.transactions.commit([], moved);
    for (const [topic, next] of moved) this.#committed.set(topic, next);
    this.#options.progress?.committed(this.#options.partition, this.#committed);
  }

  async #idle(): Promise<void> {
    const { member, partition, session } = this.#options;
    if (this.#queue.length > 0 || !this.#isAtEnd(await member.ends(partition)) || this.#queue.length > 0)
      return;
    this.#idleReported = true;
    const output = await session.idle?.(this.#abort.signal);
    await this.#commitAlone(output ?? null);
  }

  /** What came of no batch moves no position. */
  async #commitAlone(output: ProcessorOutput | null): Promise<void> {
    if (output !== null) await this.#commit({ records: [], nexts: [] }, output, Date.now());
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

/** The batch is committed by now: whatever is thrown here, no record of it may be processed again. */
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
