/**
 * The producer for external input. Concurrent callers share batches; each caller's promise depends only on its own
 * records.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LogProducer, OutgoingRecord } from '../../api.ts';
import { waitAtMost } from '../../backoff.ts';
import { BatchSender } from './batch-sender.ts';
import { PartitionWriters } from './partition-writers.ts';
import type { ProduceContext } from './produce-context.ts';
import { initialiseProducer } from './producer-identity.ts';
import type { ProducerIdentity } from './protocol/record-batch.ts';
import { routeRecords } from './routing.ts';

const longestCloseMs = 1_500;

export class IdempotentProducer implements LogProducer {
  readonly #context: ProduceContext;
  readonly #sender: BatchSender;
  readonly #writers: PartitionWriters;
  #identity: Promise<ProducerIdentity> | undefined;
  #closed = false;

  constructor(context: ProduceContext) {
    this.#context = context;
    this.#sender = new BatchSender({ ...context, transactionalId: null });
    this.#writers = new PartitionWriters({
      sender: this.#sender,
      topics: context.topics,
      transactional: false,
      identity: () => this.#current(),
      identityInvalidated: (identity) => this.#replace(identity),
    });
  }

  /** Connects, so that permanent errors appear before the first record. Errors: those of `send`. */
  async open(): Promise<void> {
    await this.#current();
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return;
    if (this.#closed) throw new HeadwaterError('log-unavailable', 'the producer is closed');
    const { topics, maxBatchBytes } = this.#context;
    const shapeOf = await topics.shapes(records.map(({ topic }) => topic));
    const routes = routeRecords(records, shapeOf, maxBatchBytes);
    const deadline = Date.now() + this.#context.deliverMs;
    await Promise.all(routes.map((route) => this.#writers.write(route, deadline)));
  }

  /** Sends queued records first; fails those that Kafka does not acknowledge within 1.5 s. */
  async close(): Promise<void> {
    this.#closed = true;
    const idle = this.#writers.idle();
    await waitAtMost(longestCloseMs, idle);
    this.#sender.close();
    this.#context.connections.close();
    await idle;
  }

  #current(): Promise<ProducerIdentity> {
    this.#identity ??= initialiseProducer(this.#context).catch((thrown: unknown) => {
      this.#identity = undefined;
      throw thrown;
    });
    return this.#identity;
  }

  #replace(invalid: ProducerIdentity): void {
    const current = this.#identity;
    void current?.then((identity) => {
      if (identity === invalid && this.#identity === current) this.#identity = undefined;
    });
  }
}
