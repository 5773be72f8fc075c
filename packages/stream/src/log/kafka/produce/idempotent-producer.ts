/**
 * The producer for what comes from outside. Many callers with a record each share batches; each caller's promise
 * depends on its own records alone.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LogProducer, OutgoingRecord } from '../../api.ts';
import { pauseFor } from '../../backoff.ts';
import { BatchSender } from './batch-sender.ts';
import { PartitionWriter, type QueuedRecord } from './partition-writer.ts';
import type { ProduceContext } from './produce-context.ts';
import { initialiseProducer } from './producer-identity.ts';
import { partitionName } from './protocol/produce-request.ts';
import type { ProducerIdentity } from './protocol/record-batch.ts';
import { type Route, routeRecords } from './routing.ts';

const longestCloseMs = 1_500;

export class IdempotentProducer implements LogProducer {
  readonly #context: ProduceContext;
  readonly #sender: BatchSender;
  readonly #writers = new Map<string, PartitionWriter>();
  #identity: Promise<ProducerIdentity> | undefined;
  #closed = false;

  constructor(context: ProduceContext) {
    this.#context = context;
    this.#sender = new BatchSender({ ...context, transactionalId: null });
  }

  /** Connects, so that what does not pass is known before the first record. Errors: those of `send`. */
  async open(): Promise<void> {
    await this.#current();
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return;
    if (this.#closed) throw new HeadwaterError('log-unavailable', 'the producer is closed');
    const { topics, maxBatchBytes } = this.#context;
    const shapeOf = await topics.shapes(records.map(({ topic }) => topic));
    const routes = routeRecords(records, shapeOf, maxBatchBytes);
    await this.#write(routes, records.length);
  }

  /** What was given is sent first; what Kafka does not acknowledge soon is given up. */
  async close(): Promise<void> {
    this.#closed = true;
    const patience = new AbortController();
    const idle = Promise.all([...this.#writers.values()].map((writer) => writer.idle));
    await Promise.race([idle, pauseFor(longestCloseMs, patience.signal)]);
    patience.abort();
    this.#sender.close();
    this.#context.connections.close();
    await idle;
  }

  #write(routes: readonly Route[], count: number): Promise<void> {
    const deadline = Date.now() + this.#context.deliverMs;
    return new Promise((resolve, reject) => {
      let left = count;
      const acknowledged = () => {
        left -= 1;
        if (left === 0) resolve();
      };
      const queued = ({ record, bytes }: Route['records'][number]): QueuedRecord => ({
        ...{ record, bytes, deadline, acknowledged },
        failed: reject,
      });
      for (const route of routes) this.#writer(route).add(route.records.map(queued), route.limit);
    });
  }

  #writer({ topic, partition, limit }: Route): PartitionWriter {
    const name = partitionName({ topic, partition });
    const known = this.#writers.get(name);
    if (known !== undefined) return known;
    const writer = new PartitionWriter({
      ...{ topic, partition, limit },
      sender: this.#sender,
      transactional: false,
      identity: () => this.#current(),
      doubted: (identity) => this.#replace(identity),
      limitExceeded: () => this.#context.topics.forget([topic]),
    });
    this.#writers.set(name, writer);
    return writer;
  }

  #current(): Promise<ProducerIdentity> {
    this.#identity ??= initialiseProducer(this.#context).catch((thrown: unknown) => {
      this.#identity = undefined;
      throw thrown;
    });
    return this.#identity;
  }

  #replace(doubted: ProducerIdentity): void {
    const current = this.#identity;
    void current?.then((identity) => {
      if (identity === doubted && this.#identity === current) this.#identity = undefined;
    });
  }
}
