/** Opens the producers of one log, which share only the cluster view. */
import type { TopicTable } from '../admin/topic-table.ts';
import { asLogError } from '../client/failures.ts';
import { type KafkaOptions, kafkaDefaults } from '../options.ts';
import { ClusterView } from './cluster-view.ts';
import type { Connections } from './connections.ts';
import { IdempotentProducer } from './idempotent-producer.ts';
import type { ProduceContext } from './produce-context.ts';
import { TransactionalProducer } from './transactional-producer.ts';
import type { WriteState } from './write-state.ts';

interface ProducersOptions {
  readonly kafka: KafkaOptions;
  readonly client: { readonly responseMs: number; connections(): Connections };
  readonly topics: Pick<TopicTable, 'shapes' | 'forget'>;
  readonly writes: WriteState;
}

interface TransactionsOptions {
  readonly transactionalId: string;
  /** Group whose offsets are committed with the records; without it, none are. */
  readonly group?: string;
  /** The partition of these offsets. */
  readonly partition?: number;
}

/** Share of the response timeout, so that the broker can still report replicas that do not respond. */
const acknowledgeShare = 0.8;

export class Producers {
  readonly #options: ProducersOptions;
  readonly #control: Connections;
  readonly #view: ClusterView;

  constructor(options: ProducersOptions) {
    const { brokers, observer } = options.kafka;
    this.#options = options;
    this.#control = options.client.connections();
    this.#view = new ClusterView(brokers, this.#control, observer);
  }

  /** Errors: log-unavailable, log-forbidden, log-untrusted. */
  async openIdempotent(): Promise<IdempotentProducer> {
    const producer = new IdempotentProducer(this.#context());
    await producer.open().catch(async (thrown: unknown) => {
      await producer.close();
      throw asLogError(thrown, 'connecting a producer');
    });
    return producer;
  }

  /** Fences the former owner. Errors: log-unavailable, log-forbidden, log-untrusted. */
  async openTransactional(options: TransactionsOptions): Promise<TransactionalProducer> {
    const producer = new TransactionalProducer({ ...this.#context(), ...options });
    await producer.open().catch(async (thrown: unknown) => {
      await producer.close();
      throw asLogError(thrown, `taking over transactional id ${options.transactionalId}`);
    });
    return producer;
  }

  close(): void {
    this.#control.close();
  }

  #context(): ProduceContext {
    const { kafka, client, topics, writes } = this.#options;
    return {
      topics,
      view: this.#view,
      connections: client.connections(),
      writes,
      observer: kafka.observer ?? {},
      maxBatchBytes: kafka.maxBatchBytes ?? kafkaDefaults.maxBatchBytes,
      deliverMs: kafka.deliverMs ?? kafkaDefaults.deliverMs,
      acknowledgeMs: Math.round(client.responseMs * acknowledgeShare),
      transactionTimeoutMs: kafka.transactionTimeoutMs ?? kafkaDefaults.transactionTimeoutMs,
    };
  }
}
