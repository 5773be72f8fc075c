/**
 * One lane's transactional producer. Opening it fences the former one; whatever fails later but a record that is
 * too large leaves the outcome unknown, and then this producer must not be used again.
 */
import { HeadwaterError } from '@headwater/errors';
import type { OutgoingRecord, Positions } from '../api.ts';
import { never, pauseFor } from '../backoff.ts';
import type { LaneTransactions } from '../membership.ts';
import { asLogError, isConcurrentTransaction } from './failures.ts';
import type { Producer, Transaction } from './kafkajs.ts';
import { planSends } from './send-plan.ts';
import type { TableOfTopics } from './table-of-topics.ts';

export interface TransactionsOptions {
  readonly producer: Producer;
  readonly topics: TableOfTopics;
  readonly maxBatchBytes: number;
  readonly group: string;
  readonly partition: number;
}

const allReplicas = -1;
/** The broker finishes a committed transaction in the background; the next one may have to wait a moment. */
const concurrentWaitMs = 5;
const concurrentAttempts = 2_000;
const longestCloseMs = 1_000;

export class KafkaTransactions implements LaneTransactions {
  readonly #options: TransactionsOptions;

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /** Connects and initialises, which ends the former owner's transaction and fences it. */
  async open(): Promise<void> {
    try {
      await this.#options.producer.connect();
      // kafkajs initialises at the first transaction; one that holds nothing never reaches the broker.
      await (await this.#options.producer.transaction()).abort();
    } catch (thrown) {
      throw asLogError(thrown, 'taking over a lane');
    }
  }

  async commit(records: readonly OutgoingRecord[], positions: Positions): Promise<void> {
    const { producer, topics, maxBatchBytes } = this.#options;
    const shapes = await topics.shapes(records.map(({ topic }) => topic));
    const sends = planSends(records, shapes, maxBatchBytes);
    let transaction: Transaction | undefined;
    try {
      transaction = await producer.transaction();
      if (positions.size > 0) await this.#sendOffsets(transaction, positions);
      for (const topicMessages of sends) await transaction.sendBatch({ topicMessages, acks: allReplicas });
      await transaction.commit();
    } catch (thrown) {
      throw await this.#answer(thrown, transaction, records);
    }
  }

  /** Requests that no broker answers any more must not keep the lane from being opened again. */
  async close(): Promise<void> {
    const patience = new AbortController();
    const disconnected = this.#options.producer.disconnect().catch(() => undefined);
    await Promise.race([disconnected, pauseFor(longestCloseMs, patience.signal)]);
    patience.abort();
  }

  /** Offsets go first: kafkajs does not repeat what the end of the former transaction delays. */
  async #sendOffsets(transaction: Transaction, positions: Positions): Promise<void> {
    const { group, partition } = this.#options;
    const topics = [...positions].map(([topic, offset]) => ({
      topic,
      partitions: [{ partition, offset: String(offset) }],
    }));
    for (let attempt = 0; ; attempt += 1) {
      try {
        await transaction.sendOffsets({ consumerGroupId: group, topics });
        return;
      } catch (thrown) {
        if (!isConcurrentTransaction(thrown) || attempt >= concurrentAttempts) throw thrown;
        await pauseFor(concurrentWaitMs, never);
      }
    }
  }

  async #answer(
    thrown: unknown,
    transaction: Transaction | undefined,
    records: readonly OutgoingRecord[],
  ): Promise<HeadwaterError> {
    this.#options.topics.forget(records.map(({ topic }) => topic));
    const error = asLogError(thrown, 'committing a batch', 'log-commit-unknown');
    if (error.code !== 'record-too-large') return error;
    try {
      await transaction?.abort();
      return error;
    } catch (cause) {
      return new HeadwaterError('log-commit-unknown', 'a transaction could not be aborted', { cause });
    }
  }
}
