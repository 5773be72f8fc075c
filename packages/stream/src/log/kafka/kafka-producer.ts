/**
 * The producer for what comes from outside. After any failed send it is replaced: kafkajs takes sequence numbers
 * back when a send fails, and if the broker had written it after all, it would take the next records for
 * repetitions and drop them without a word.
 */
import type { LogProducer, OutgoingRecord } from '../api.ts';
import { asLogError } from './failures.ts';
import type { Producer } from './kafkajs.ts';
import { planSends } from './send-plan.ts';
import type { TableOfTopics } from './table-of-topics.ts';

const allReplicas = -1;

export class KafkaProducer implements LogProducer {
  readonly #open: () => Producer;
  readonly #topics: TableOfTopics;
  readonly #maxBatchBytes: number;
  #producer: Promise<Producer> | undefined;

  constructor(open: () => Producer, topics: TableOfTopics, maxBatchBytes: number) {
    this.#open = open;
    this.#topics = topics;
    this.#maxBatchBytes = maxBatchBytes;
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return;
    const topics = records.map(({ topic }) => topic);
    const sends = planSends(records, await this.#topics.shapes(topics), this.#maxBatchBytes);
    const producer = this.connect();
    try {
      const connected = await producer;
      for (const topicMessages of sends) await connected.sendBatch({ topicMessages, acks: allReplicas });
    } catch (thrown) {
      this.#topics.forget(topics);
      this.#replace(producer);
      throw asLogError(thrown, 'writing to Kafka');
    }
  }

  async close(): Promise<void> {
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

  #replace(failed: Promise<Producer>): void {
    if (this.#producer === failed) this.#producer = undefined;
    void failed.then((producer) => producer.disconnect()).catch(() => undefined);
  }
}
