/**
 * The producer for what comes from outside. Many callers with a record each share requests: while one is under
 * way the next ones gather. After any failed send the producer is replaced: kafkajs takes sequence numbers back
 * when a send fails, and if the broker had written it after all, it would take the next records for repetitions
 * and drop them without a word.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LogProducer, OutgoingRecord } from '../api.ts';
import { sizeOf } from '../record-size.ts';
import { asLogError, rootOf } from './failures.ts';
import type { Producer, TopicMessages } from './kafkajs.ts';
import type { TopicPartition } from './options.ts';
import type { WriteState } from './produce/write-state.ts';
import { planSends } from './send-plan.ts';
import type { TableOfTopics } from './table-of-topics.ts';

const allReplicas = -1;
/** What gathers into one request, at most; one caller's records are never torn apart. */
const gatherBytes = 4 * 1024 * 1024;

interface Waiting {
  readonly records: readonly OutgoingRecord[];
  readonly bytes: number;
  resolve(): void;
  reject(error: HeadwaterError): void;
}

export class KafkaProducer implements LogProducer {
  readonly #open: () => Producer;
  readonly #topics: TableOfTopics;
  readonly #maxBatchBytes: number;
  readonly #writes: WriteState;
  readonly #waiting: Waiting[] = [];
  #producer: Promise<Producer> | undefined;
  #sending: Promise<void> | undefined;
  #closed = false;

  constructor(open: () => Producer, topics: TableOfTopics, maxBatchBytes: number, writes: WriteState) {
    this.#open = open;
    this.#topics = topics;
    this.#maxBatchBytes = maxBatchBytes;
    this.#writes = writes;
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return;
    if (this.#closed) throw new HeadwaterError('log-unavailable', 'the producer is closed');
    const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
    // Refused here, so that one caller's record cannot fail the request of the others.
    planSends(records, await this.#topics.shapes(records.map(({ topic }) => topic)), this.#maxBatchBytes);
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ records, bytes, resolve, reject });
      this.#sending ??= this.#sendWaiting();
    });
  }

  /** What was given is sent first. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#sending;
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.then((connected) => connected.disconnect()).catch(() => undefined);
  }

  connect(): Promise<Producer> {
    this.#producer ??= this.#start();
    return this.#producer;
  }

  async #start(): Promise<Producer> {
    const producer = this.#open();
    await producer.connect();
    return producer;
  }

  async #sendWaiting(): Promise<void> {
    while (this.#waiting.length > 0) await this.#sendTogether(this.#gather());
    this.#sending = undefined;
  }

  #gather(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && bytes + waiting.bytes > gatherBytes) break;
      bytes += waiting.bytes;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #sendTogether(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#write(group.flatMap(({ records }) => records));
      for (const { resolve } of group) resolve();
    } catch (thrown) {
      const error = asLogError(thrown, 'writing to Kafka');
      const [only] = group;
      if (group.length === 1 && only !== undefined) only.reject(error);
      // The topic's limit is smaller than we could know: one of them is to blame, and the others are not.
      else if (error.code === 'record-too-large') for (const one of group) await this.#sendTogether([one]);
      else for (const { reject } of group) reject(error);
    }
  }

  async #write(records: readonly OutgoingRecord[]): Promise<void> {
    const topics = records.map(({ topic }) => topic);
    const sends = planSends(records, await this.#topics.shapes(topics), this.#maxBatchBytes);
    const producer = this.connect();
    try {
      const connected = await producer;
      for (const topicMessages of sends) {
        await connected.sendBatch({ topicMessages, acks: allReplicas });
        this.#eachPartition(topicMessages, (partition) => this.#writes.succeeded(partition));
      }
    } catch (thrown) {
      const reason = rootOf(thrown).type ?? 'connection';
      for (const topicMessages of sends)
        this.#eachPartition(topicMessages, (partition) => this.#writes.failed(partition, reason));
      this.#topics.forget(topics);
      this.#replace(producer);
      throw thrown;
    }
  }

  #eachPartition(sends: readonly TopicMessages[], visit: (partition: TopicPartition) => void): void {
    for (const { topic, messages } of sends) {
      for (const { partition } of messages) if (partition !== undefined) visit({ topic, partition });
    }
  }

  #replace(failed: Promise<Producer>): void {
    if (this.#producer === failed) this.#producer = undefined;
    void failed.then((producer) => producer.disconnect()).catch(() => undefined);
  }
}
