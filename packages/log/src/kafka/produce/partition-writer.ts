/**
 * Writes the records of one partition in order: one batch at a time, numbered after the last acknowledged one. Only
 * an acknowledgement advances the sequence. After a batch with unknown outcome was given up, its numbers are
 * ambiguous, so the producer identity must be replaced.
 */
import { setImmediate } from 'node:timers/promises';
import { HeadwaterError } from '@headwater/errors';
import type { TopicPartition } from '../options.ts';
import type { BatchSender } from './batch-sender.ts';
import { BatchFailure } from './delivery.ts';
import {
  type BatchRecord,
  encodeBatch,
  type ProducerIdentity,
  sequenceAfter,
} from './protocol/record-batch.ts';

interface QueuedRecord {
  readonly record: BatchRecord;
  /** Estimated bytes in a batch. */
  readonly bytes: number;
  /** Milliseconds since the epoch; a record that is not acknowledged by then fails. */
  readonly deadline: number;
  acknowledged(): void;
  failed(error: HeadwaterError): void;
}

export interface PartitionWriterOptions extends TopicPartition {
  readonly sender: BatchSender;
  readonly transactional: boolean;
  /** The current producer identity. Errors: HeadwaterError. */
  identity(): Promise<ProducerIdentity>;
  /** A batch in doubt was given up; the next `identity` must be a new one. */
  identityInvalidated(identity: ProducerIdentity): void;
  /** The broker rejected the size of a batch within `limit`. */
  limitExceeded(): void;
  /** Largest batch in bytes; a single record may exceed it. */
  limit: number;
}

export class PartitionWriter {
  readonly #options: PartitionWriterOptions;
  #queue: QueuedRecord[] = [];
  #identity: ProducerIdentity | undefined;
  #sequence = 0;
  #idle: Promise<void> = Promise.resolve();
  #isWriting = false;

  constructor(options: PartitionWriterOptions) {
    this.#options = options;
  }

  add(records: readonly QueuedRecord[], limit: number): void {
    this.#options.limit = limit;
    this.#queue.push(...records);
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#idle = this.#writeAll();
  }

  /** Resolves when the queue is empty and no batch is in flight. */
  get idle(): Promise<void> {
    return this.#idle;
  }

  async #writeAll(): Promise<void> {
    for (;;) {
      // Callers in one turn of the event loop share a batch, also those that an acknowledgement has resumed.
      await setImmediate();
      this.#dropExpired();
      if (this.#queue.length === 0) break;
      await this.#writeNext(this.#take());
    }
    this.#isWriting = false;
  }

  #dropExpired(): void {
    const now = Date.now();
    const isExpired = ({ deadline }: QueuedRecord) => deadline <= now;
    if (!this.#queue.some(isExpired)) return;
    const { topic, partition } = this.#options;
    const message = `records for ${topic}-${partition} timed out behind others that Kafka did not acknowledge`;
    const error = new HeadwaterError('log-unavailable', message);
    for (const record of this.#queue.filter(isExpired)) record.failed(error);
    this.#queue = this.#queue.filter((record) => !isExpired(record));
  }

  #take(): QueuedRecord[] {
    let bytes = 0;
    let count = 0;
    for (const record of this.#queue) {
      if (count > 0 && bytes + record.bytes > this.#options.limit) break;
      bytes += record.bytes;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #writeNext(batch: readonly QueuedRecord[]): Promise<void> {
    try {
      const identity = await this.#becomeCurrent();
      await this.#deliver(batch, identity);
      this.#sequence = sequenceAfter(this.#sequence, batch.length);
      for (const { acknowledged } of batch) acknowledged();
    } catch (thrown) {
      this.#fail(batch, thrown);
    }
  }

  /** Sequence numbers start at 0 for each identity. */
  async #becomeCurrent(): Promise<ProducerIdentity> {
    const identity = await this.#options.identity();
    if (identity !== this.#identity) {
      this.#identity = identity;
      this.#sequence = 0;
    }
    return identity;
  }

  #deliver(batch: readonly QueuedRecord[], identity: ProducerIdentity): Promise<void> {
    const { sender, topic, partition, transactional } = this.#options;
    const records = batch.map(({ record }) => record);
    const bytes = encodeBatch(records, { identity, sequence: this.#sequence, transactional });
    const deadline = batch.reduce((latest, record) => Math.max(latest, record.deadline), 0);
    return sender.deliver({ topic, partition, bytes }, deadline);
  }

  #fail(batch: readonly QueuedRecord[], thrown: unknown): void {
    const failure = thrown instanceof BatchFailure ? thrown : undefined;
    if (failure?.inDoubt && this.#identity !== undefined) this.#options.identityInvalidated(this.#identity);
    const error = failure?.error ?? (thrown as HeadwaterError);
    if (error.code === 'record-too-large' && !failure?.inDoubt) {
      this.#options.limitExceeded();
      if (batch.length > 1) {
        this.#splitInHalf(batch);
        return;
      }
    }
    // A failed transaction cannot commit any record; outside of one, queued records of other callers may succeed.
    const behind = this.#options.transactional ? this.#queue.splice(0) : [];
    for (const { failed } of [...batch, ...behind]) failed(error);
  }

  /** Either the topic's limit was lowered, or one record is too large: halving finds out. */
  #splitInHalf(batch: readonly QueuedRecord[]): void {
    const half = batch.reduce((sum, { bytes }) => sum + bytes, 0) / 2;
    this.#options.limit = half;
    this.#queue.unshift(...batch);
  }
}
