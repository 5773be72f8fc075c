/**
 * Batches records that arrive while a send is in progress into the next send. Sending them one by one would cost
 * a round trip to the brokers for each record.
 */
import type { LogProducer, OutgoingRecord } from '@headwater/log';

export interface BatchingProducer {
  /** Resolves when the record is acknowledged. Errors: those of the producer, for every record of that send. */
  send(record: OutgoingRecord): Promise<void>;
  /** Sends the waiting records, then closes the producer. */
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
        // Records of the same turn of the event loop join this batch.
        sending ??= Promise.resolve().then(drain);
      }),
    async close() {
      await sending;
      await producer.close();
    },
  };
}
