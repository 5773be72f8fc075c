/**
 * Sending records one by one would wait for the brokers once a record. What comes while a send is under way goes
 * together with the next one: nothing waits longer than it must, and a busy stream sends large batches.
 */
import type { LogProducer, OutgoingRecord } from '@headwater/log';

export interface BatchingProducer {
  /** Resolves when the record is safe. Errors: those of the producer, for every record of that send. */
  send(record: OutgoingRecord): Promise<void>;
  /** Sends what waits, then closes the producer. */
  close(): Promise<void>;
}

interface Waiting {
  readonly record: OutgoingRecord;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export function createBatchingProducer(producer: LogProducer): BatchingProducer {
  let waiting: Waiting[] = [];
  let sending: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await producer.send(batch.map(({ record }) => record));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    sending = undefined;
  }

  return {
    send: (record) =>
      new Promise((resolve, reject) => {
        waiting.push({ record, resolve, reject });
        // Later in this turn others may join.
        sending ??= Promise.resolve().then(drain);
      }),
    async close() {
      await sending;
      await producer.close();
    },
  };
}
