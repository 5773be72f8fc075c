/**
 * Many small requests share one send. While a send is under way the next records gather; when it returns they
 * leave together, so that the batches grow with the load and a lone request waits for nothing. What waits is
 * bounded by bytes, and a log that does not answer turns requests away instead of keeping them.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LogProducer, OutgoingRecord } from '@headwater/stream';

export interface SenderOptions {
  readonly producer: LogProducer;
  /** Records waiting or under way, in bytes of their values; past it `send` refuses. */
  readonly maxPendingBytes: number;
  /** How long a batch may take before its requests are told that the log does not answer. */
  readonly timeoutMs: number;
  readonly maxBatchBytes?: number;
  readonly maxBatchRecords?: number;
  /** Told of each batch, for metrics and health. */
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
  /** Waits for what was taken, at most `patienceMs`, then closes the producer. */
  close(patienceMs: number): Promise<void>;
}

interface Parcel {
  readonly records: readonly OutgoingRecord[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: HeadwaterError) => void;
}

const RECORD_OVERHEAD = 100;

export function createSender(options: SenderOptions): Sender {
  const { producer, maxPendingBytes, timeoutMs, onBatch } = options;
  const { maxBatchBytes = 4 * 1024 * 1024, maxBatchRecords = 1_000 } = options;
  let queue: Parcel[] = [];
  let pendingBytes = 0;
  let stalled = false;
  let draining: Promise<void> | undefined;

  const takeBatch = (): Parcel[] => {
    let [count, bytes, records] = [0, 0, 0];
    for (const parcel of queue) {
      if (count > 0 && (bytes + parcel.bytes > maxBatchBytes || records >= maxBatchRecords)) break;
      bytes += parcel.bytes;
      records += parcel.records.length;
      count += 1;
    }
    return queue.splice(0, count);
  };

  const stall = (batch: readonly Parcel[]) => {
    stalled = true;
    const error = unanswered(timeoutMs);
    for (const parcel of batch) parcel.reject(error);
    for (const parcel of queue) {
      pendingBytes -= parcel.bytes;
      parcel.reject(error);
    }
    queue = [];
    onBatch?.({ records: 0, error });
  };

  const deliver = async (batch: readonly Parcel[]) => {
    const records = batch.flatMap((parcel) => parcel.records);
    try {
      await producer.send(records);
      for (const parcel of batch) parcel.resolve();
      onBatch?.({ records: records.length, error: undefined });
    } catch (thrown) {
      const error = asLogError(thrown);
      // One record that the log will never take must not fail its neighbours.
      if (error.verdict === 'dead-letter' && batch.length > 1) {
        for (const parcel of batch) await deliver([parcel]);
        return;
      }
      for (const parcel of batch) parcel.reject(error);
      onBatch?.({ records: 0, error });
    }
  };

  const drain = async () => {
    while (queue.length > 0) {
      const batch = takeBatch();
      const timer = setTimeout(() => stall(batch), timeoutMs);
      await deliver(batch);
      clearTimeout(timer);
      stalled = false;
      for (const parcel of batch) pendingBytes -= parcel.bytes;
    }
    draining = undefined;
  };

  return {
    send(records) {
      const bytes = records.reduce((sum, record) => sum + RECORD_OVERHEAD + (record.value?.length ?? 0), 0);
      if (stalled) return Promise.reject(unanswered(timeoutMs));
      if (pendingBytes > 0 && pendingBytes + bytes > maxPendingBytes) {
        return Promise.reject(
          new HeadwaterError('overloaded', 'too many records wait for the log; try again after a while'),
        );
      }
      pendingBytes += bytes;
      return new Promise((resolve, reject) => {
        queue.push({ records, bytes, resolve, reject });
        draining ??= new Promise<void>((done) => setImmediate(done)).then(drain);
      });
    },
    async close(patienceMs) {
      let timer: NodeJS.Timeout | undefined;
      const enough = new Promise((resolve) => {
        timer = setTimeout(resolve, patienceMs);
      });
      await Promise.race([draining, enough]);
      clearTimeout(timer);
      await producer.close();
    },
  };
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
