/**
 * Batches the records of many requests. Records that arrive during a send go into the next one, so that batches grow
 * with the load and a single request does not wait. Waiting records are limited in bytes, and requests are rejected
 * while the log does not respond.
 */
import { HeadwaterError } from '@headwater/errors';
import { type LogProducer, type OutgoingRecord, type WriteBlock, waitAtMost } from '@headwater/log';

export interface SenderOptions {
  readonly producer: LogProducer;
  /** Maximum bytes of waiting and in-flight values; beyond it `send` rejects. */
  readonly maxPendingBytes: number;
  /** Time limit of records in the queue, and of a batch, before the log counts as not responding. */
  readonly timeoutMs: number;
  readonly maxBatchBytes?: number;
  readonly maxBatchRecords?: number;
  /** Monotonic milliseconds; replaced by tests. */
  readonly now?: () => number;
  /** Called after each batch, for metrics. */
  readonly onBatch?: (batch: {
    readonly records: number;
    readonly error: HeadwaterError | undefined;
  }) => void;
}

export interface Sender {
  /**
   * Resolves when all records are in the log. Errors: overloaded; log-unavailable, after which they may or may not be
   * in the log; record-too-large.
   */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  /** Set while the batch in flight exceeds its time limit. */
  blocked(): WriteBlock | undefined;
  /** Accepts no more records, waits for the pending ones, at most `timeoutMs`, and closes the producer. */
  close(timeoutMs: number): Promise<void>;
}

interface BatchItem {
  readonly records: readonly OutgoingRecord[];
  readonly bytes: number;
  /** Time of arrival; monotonic milliseconds. */
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: HeadwaterError) => void;
}

const RECORD_OVERHEAD = 100;

export function createSender(options: SenderOptions): Sender {
  return new CoalescingSender(options);
}

class CoalescingSender implements Sender {
  readonly #options: Required<Omit<SenderOptions, 'onBatch'>> & Pick<SenderOptions, 'onBatch'>;
  readonly #queue: BatchItem[] = [];
  #pendingBytes = 0;
  /** Set while the batch in flight exceeds its time limit: no records are accepted until it has ended. */
  #block: WriteBlock | undefined;
  #closed = false;
  /** The batch in flight. */
  #batch: readonly BatchItem[] = [];
  #draining: Promise<void> | undefined;

  constructor(options: SenderOptions) {
    const now = () => performance.now();
    this.#options = { maxBatchBytes: 4 * 1024 * 1024, maxBatchRecords: 1_000, now, ...options };
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    const { maxPendingBytes, timeoutMs } = this.#options;
    const bytes = records.reduce((sum, { value }) => sum + RECORD_OVERHEAD + (value?.length ?? 0), 0);
    if (this.#block !== undefined || this.#closed) throw noResponse(timeoutMs);
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > maxPendingBytes) {
      throw new HeadwaterError('overloaded', 'too many records wait for the log; try again later');
    }
    this.#pendingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ records, bytes, since: this.#options.now(), resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  blocked(): WriteBlock | undefined {
    return this.#block;
  }

  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    await waitAtMost(timeoutMs, Promise.resolve(this.#draining));
    const isStuck = this.#draining !== undefined;
    if (isStuck) this.#stall();
    const closed = this.#options.producer.close();
    // A producer sends its queue before it closes: not awaited while the log does not respond.
    if (isStuck) closed.catch(() => undefined);
    else await closed;
  }

  async #drain(): Promise<void> {
    // Records of the same turn of the event loop share a batch.
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (;;) {
      this.#dropOverdue();
      const batch = this.#takeBatch();
      if (batch.length === 0) break;
      this.#batch = batch;
      const timer = setTimeout(() => this.#stall(), this.#options.timeoutMs);
      await this.#deliver(batch);
      clearTimeout(timer);
      this.#block = undefined;
      for (const item of batch) this.#pendingBytes -= item.bytes;
    }
    this.#draining = undefined;
  }

  /** Rejects records that have waited too long, e.g. for a slow log. */
  #dropOverdue(): void {
    const { timeoutMs, now } = this.#options;
    const latest = now() - timeoutMs;
    let count = 0;
    for (const item of this.#queue) {
      if (item.since >= latest) break;
      count += 1;
    }
    this.#refuse(this.#queue.splice(0, count), noResponse(timeoutMs));
  }

  #refuse(items: readonly BatchItem[], error: HeadwaterError): void {
    for (const item of items) {
      this.#pendingBytes -= item.bytes;
      item.reject(error);
    }
  }

  #takeBatch(): BatchItem[] {
    const { maxBatchBytes, maxBatchRecords } = this.#options;
    let [count, bytes, records] = [0, 0, 0];
    for (const item of this.#queue) {
      if (count > 0 && (bytes + item.bytes > maxBatchBytes || records >= maxBatchRecords)) break;
      bytes += item.bytes;
      records += item.records.length;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #deliver(batch: readonly BatchItem[]): Promise<void> {
    const { producer, onBatch } = this.#options;
    const records = batch.flatMap((item) => item.records);
    try {
      await producer.send(records);
      for (const item of batch) item.resolve();
      onBatch?.({ records: records.length, error: undefined });
    } catch (thrown) {
      await this.#handleFailure(batch, asLogError(thrown));
    }
  }

  /** Sends the items one by one where the log rejects a record for good, so that the others are written. */
  async #handleFailure(batch: readonly BatchItem[], error: HeadwaterError): Promise<void> {
    if (error.verdict === 'dead-letter' && batch.length > 1) {
      for (const item of batch) await this.#deliver([item]);
      return;
    }
    for (const item of batch) item.reject(error);
    this.#options.onBatch?.({ records: 0, error });
  }

  /** The bytes of the batch are counted until it has ended: they are still in memory. */
  #stall(): void {
    const { timeoutMs } = this.#options;
    this.#block = { since: Date.now() - timeoutMs, reason: 'no response' };
    const error = noResponse(timeoutMs);
    for (const item of this.#batch) item.reject(error);
    this.#refuse(this.#queue.splice(0), error);
    this.#options.onBatch?.({ records: 0, error });
  }
}

/** Hides foreign errors of the log's client from HTTP clients. */
function asLogError(thrown: unknown): HeadwaterError {
  if (thrown instanceof HeadwaterError) return thrown;
  return new HeadwaterError('log-unavailable', 'the log rejected the records', { cause: thrown });
}

function noResponse(timeoutMs: number): HeadwaterError {
  return new HeadwaterError('log-unavailable', 'no response from the log; try again later', {
    context: { timeoutMs },
  });
}
