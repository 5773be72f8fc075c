/**
 * Many small requests share one send. While a send is under way the next records gather; when it returns they
 * leave together, so that the batches grow with the load and a lone request waits for nothing. What waits is
 * bounded by bytes, and a log that does not answer turns requests away instead of keeping them.
 */
import { HeadwaterError } from '@headwater/errors';
import { type LogProducer, type OutgoingRecord, type WriteBlock, waitAtMost } from '@headwater/log';

export interface SenderOptions {
  readonly producer: LogProducer;
  /** Records waiting or under way, in bytes of their values; past it `send` refuses. */
  readonly maxPendingBytes: number;
  /** How long records may wait for their batch, and how long a batch may take, before the log counts as not answering. */
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
   * Resolves when all of them are safe in the log. Errors: overloaded; log-unavailable, after which
   * they may or may not be in the log; record-too-large.
   */
  send(records: readonly OutgoingRecord[]): Promise<void>;
  /** While the batch under way takes longer than it may. */
  blocked(): WriteBlock | undefined;
  /** Takes no more, waits for what was taken, at most `patienceMs`, and closes the producer. */
  close(patienceMs: number): Promise<void>;
}

interface Parcel {
  readonly records: readonly OutgoingRecord[];
  readonly bytes: number;
  /** When it came; monotonic milliseconds. */
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
  readonly #queue: Parcel[] = [];
  #pendingBytes = 0;
  /** Set while the batch under way takes longer than it may: nothing is taken until it has ended. */
  #block: WriteBlock | undefined;
  #closed = false;
  /** Under way. */
  #batch: readonly Parcel[] = [];
  #draining: Promise<void> | undefined;

  constructor(options: SenderOptions) {
    const now = () => performance.now();
    this.#options = { maxBatchBytes: 4 * 1024 * 1024, maxBatchRecords: 1_000, now, ...options };
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    const { maxPendingBytes, timeoutMs } = this.#options;
    const bytes = records.reduce((sum, { value }) => sum + RECORD_OVERHEAD + (value?.length ?? 0), 0);
    if (this.#block !== undefined || this.#closed) throw unanswered(timeoutMs);
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > maxPendingBytes) {
      throw new HeadwaterError('overloaded', 'too many records wait for the log; try again after a while');
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

  async close(patienceMs: number): Promise<void> {
    this.#closed = true;
    await waitAtMost(patienceMs, Promise.resolve(this.#draining));
    const isStuck = this.#draining !== undefined;
    if (isStuck) this.#stall();
    const closed = this.#options.producer.close();
    // A producer sends first what it was given: where the log does not answer, that is not waited for.
    if (isStuck) closed.catch(() => undefined);
    else await closed;
  }

  async #drain(): Promise<void> {
    // What comes in the same turn of the event loop leaves together.
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
      for (const parcel of batch) this.#pendingBytes -= parcel.bytes;
    }
    this.#draining = undefined;
  }

  /** A log that is slow, not silent, must not make requests wait in the queue without end. */
  #dropOverdue(): void {
    const { timeoutMs, now } = this.#options;
    const latest = now() - timeoutMs;
    let count = 0;
    for (const parcel of this.#queue) {
      if (parcel.since >= latest) break;
      count += 1;
    }
    this.#refuse(this.#queue.splice(0, count), unanswered(timeoutMs));
  }

  #refuse(parcels: readonly Parcel[], error: HeadwaterError): void {
    for (const parcel of parcels) {
      this.#pendingBytes -= parcel.bytes;
      parcel.reject(error);
    }
  }

  #takeBatch(): Parcel[] {
    const { maxBatchBytes, maxBatchRecords } = this.#options;
    let [count, bytes, records] = [0, 0, 0];
    for (const parcel of this.#queue) {
      if (count > 0 && (bytes + parcel.bytes > maxBatchBytes || records >= maxBatchRecords)) break;
      bytes += parcel.bytes;
      records += parcel.records.length;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #deliver(batch: readonly Parcel[]): Promise<void> {
    const { producer, onBatch } = this.#options;
    const records = batch.flatMap((parcel) => parcel.records);
    try {
      await producer.send(records);
      for (const parcel of batch) parcel.resolve();
      onBatch?.({ records: records.length, error: undefined });
    } catch (thrown) {
      await this.#answerFailure(batch, asLogError(thrown));
    }
  }

  /** One record that the log will never take must not fail its neighbours. */
  async #answerFailure(batch: readonly Parcel[], error: HeadwaterError): Promise<void> {
    if (error.verdict === 'dead-letter' && batch.length > 1) {
      for (const parcel of batch) await this.#deliver([parcel]);
      return;
    }
    for (const parcel of batch) parcel.reject(error);
    this.#options.onBatch?.({ records: 0, error });
  }

  /** The bytes of the batch stay counted until it has ended: they are still in memory. */
  #stall(): void {
    const { timeoutMs } = this.#options;
    this.#block = { since: Date.now() - timeoutMs, reason: 'no response' };
    const error = unanswered(timeoutMs);
    for (const parcel of this.#batch) parcel.reject(error);
    this.#refuse(this.#queue.splice(0), error);
    this.#options.onBatch?.({ records: 0, error });
  }
}

/** What a client of the log threw in its own words is not for ours to read. */
function asLogError(thrown: unknown): HeadwaterError {
  if (thrown instanceof HeadwaterError) return thrown;
  return new HeadwaterError('log-unavailable', 'the log did not take the records', { cause: thrown });
}

function unanswered(timeoutMs: number): HeadwaterError {
  return new HeadwaterError('log-unavailable', 'the log does not answer; try again after a while', {
    context: { timeoutMs },
  });
}
