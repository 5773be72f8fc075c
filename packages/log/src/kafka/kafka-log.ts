/** The log on Apache Kafka. */
import type {
  Follower,
  FollowOptions,
  Log,
  LogAdmin,
  LogProducer,
  LogRecord,
  LogTransactions,
  PartitionGroup,
  PartitionGroupOptions,
  ReadOptions,
  WriteBlock,
} from '../api.ts';
import type { Logger } from '../logger.ts';
import { openPartitionGroup } from '../partitions/partition-group.ts';
import { PartitionWatch } from '../partitions/partition-watch.ts';
import { KafkaAdmin } from './admin/kafka-admin.ts';
import { TopicTable } from './admin/topic-table.ts';
import { KafkaClient } from './client/client.ts';
import { asLogError } from './client/failures.ts';
import type { Admin } from './client/kafkajs.ts';
import { SharedCluster } from './client/shared-cluster.ts';
import { KafkaFollower } from './fetch/kafka-follower.ts';
import { PartitionReader } from './fetch/partition-reader.ts';
import { GroupOffsets } from './group/group-offsets.ts';
import { KafkaMember } from './group/kafka-member.ts';
import type { KafkaOptions } from './options.ts';
import { Producers } from './produce/producers.ts';
import { WriteState } from './produce/write-state.ts';

/** Connects on first use. */
export function createKafkaLog(options: KafkaOptions, logger: Logger): Log {
  return new KafkaLog(options, logger);
}

class KafkaLog implements Log {
  readonly kind = 'kafka';
  readonly admin: LogAdmin;
  readonly #client: KafkaClient;
  readonly #logger: Logger;
  readonly #membership: Pick<PartitionGroupOptions, 'sessionTimeoutMs'>;
  readonly #topics: TopicTable;
  readonly #cluster: SharedCluster;
  readonly #reader: PartitionReader;
  readonly #groups: GroupOffsets;
  readonly #writes: WriteState;
  readonly #producers: Producers;
  readonly #watch: PartitionWatch;
  readonly #open = new Set<{ close(): Promise<void> }>();
  #admin: Promise<Admin> | undefined;

  constructor(options: KafkaOptions, logger: Logger) {
    this.#client = new KafkaClient(options, logger);
    this.#logger = logger;
    this.#writes = new WriteState((isWritable) => options.observer?.writable?.(isWritable));
    const { sessionTimeoutMs } = options;
    this.#membership = sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs };
    const admin = () => this.#connectAdmin();
    this.#topics = new TopicTable(admin, logger);
    this.#producers = new Producers({
      kafka: options,
      client: this.#client,
      topics: this.#topics,
      writes: this.#writes,
    });
    this.#cluster = new SharedCluster(() => this.#client.cluster());
    this.#reader = new PartitionReader(this.#cluster);
    this.#groups = new GroupOffsets(this.#cluster);
    this.admin = new KafkaAdmin(admin, this.#topics, this.#reader, this.#groups);
    this.#watch = new PartitionWatch((topic) => this.#topics.partitions(topic), options.partitionCheckMs);
  }

  blocked(): WriteBlock | undefined {
    return this.#writes.blocked();
  }

  async openProducer(): Promise<LogProducer> {
    return this.#keep(await this.#producers.openIdempotent());
  }

  async openTransactions(transactionalId: string): Promise<LogTransactions> {
    const transactions = await this.#producers.openTransactional({ transactionalId });
    return this.#keep({
      commit: (records) => transactions.commit(records, new Map()),
      close: () => transactions.close(),
    });
  }

  async openPartitionGroup(options: PartitionGroupOptions): Promise<PartitionGroup> {
    const dependencies = {
      client: this.#client,
      reader: this.#reader,
      offsets: this.#groups,
      producers: this.#producers,
      logger: this.#logger,
    };
    const partitionGroup = await openPartitionGroup(
      { ...this.#membership, ...options },
      {
        log: this,
        join: (join, listener) => new KafkaMember(join, listener, dependencies),
        logger: this.#logger,
        watch: this.#watch,
      },
    );
    return this.#keep(partitionGroup);
  }

  async follow(options: FollowOptions): Promise<Follower> {
    const follower = new KafkaFollower(options);
    await follower.start(this.#client.cluster(), this.#reader, this.#watch);
    return this.#keep(follower);
  }

  read(options: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    return this.#reader.read(options);
  }

  async close(): Promise<void> {
    this.#watch.close();
    await Promise.all([...this.#open].map((part) => part.close()));
    this.#producers.close();
    await this.#cluster.close();
    const admin = this.#admin;
    this.#admin = undefined;
    await admin?.then((connected) => connected.disconnect()).catch(() => undefined);
  }

  /** Registers a resource to close, until its own `close` is called. */
  #keep<T extends { close(): Promise<void> }>(part: T): T {
    const close: (...options: unknown[]) => Promise<void> = part.close.bind(part);
    part.close = async (...options: unknown[]) => {
      await close(...options);
      this.#open.delete(part);
    };
    this.#open.add(part);
    return part;
  }

  #connectAdmin(): Promise<Admin> {
    this.#admin ??= this.#startAdmin().catch((thrown: unknown) => {
      this.#admin = undefined;
      throw asLogError(thrown, 'connecting to Kafka');
    });
    return this.#admin;
  }

  async #startAdmin(): Promise<Admin> {
    await this.#client.probeBrokers();
    const admin = this.#client.admin();
    await admin.connect();
    return admin;
  }
}
