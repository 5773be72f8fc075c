/**
 * The log in memory, for tests and for demos on a machine without Java. It passes the same contract test as Kafka;
 * its records end with the process.
 */
import { HeadwaterError } from '@headwater/errors';
import type {
  Follower,
  FollowOptions,
  GroupDescription,
  Log,
  LogAdmin,
  LogProducer,
  LogRecord,
  LogTransactions,
  OutgoingRecord,
  PartitionGroup,
  PartitionGroupOptions,
  ReadOptions,
  TopicSpec,
} from '../api.ts';
import { openPartitionGroup } from '../partitions/partition-group.ts';
import { createSilentLogger } from '../silent-logger.ts';
import { MemoryCluster } from './cluster.ts';
import { MemoryCoordinator } from './coordinator.ts';
import { MemoryFollower } from './follower.ts';
import { MemoryMember } from './member.ts';

/** A log that lives as long as this object; groups that share it rebalance like on a cluster. */
export function createMemoryLog(): Log {
  return new MemoryLog();
}

class MemoryLog implements Log {
  readonly kind = 'memory';
  readonly admin: LogAdmin;
  readonly #cluster = new MemoryCluster();
  readonly #coordinator = new MemoryCoordinator();
  readonly #open = new Set<{ close(): Promise<void> }>();

  constructor() {
    this.admin = new MemoryAdmin(this.#cluster, this.#coordinator);
  }

  blocked(): undefined {
    return undefined;
  }

  async openProducer(): Promise<LogProducer> {
    return {
      send: async (records: readonly OutgoingRecord[]) => this.#cluster.append(records),
      close: async () => undefined,
    };
  }

  async openTransactions(transactionalId: string): Promise<LogTransactions> {
    const epoch = this.#cluster.initTransactions(transactionalId);
    return {
      commit: async (records) => {
        this.#cluster.checkEpoch(transactionalId, epoch);
        this.#cluster.append(records);
      },
      close: async () => undefined,
    };
  }

  async openPartitionGroup(options: PartitionGroupOptions): Promise<PartitionGroup> {
    const partitionGroup = await openPartitionGroup(options, {
      log: this,
      join: (join, listener) => new MemoryMember(this.#cluster, this.#coordinator, join, listener),
      logger: createSilentLogger(),
    });
    this.#open.add(partitionGroup);
    return partitionGroup;
  }

  async follow(options: FollowOptions): Promise<Follower> {
    for (const topic of options.topics) this.#cluster.partition(topic, 0);
    const follower = new MemoryFollower(this.#cluster, options);
    this.#open.add(follower);
    return follower;
  }

  async *read(options: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    const partition = this.#cluster.partition(options.topic, options.partition);
    const to = options.to ?? partition.range.high;
    let position = options.from ?? partition.range.low;
    while (position < to) {
      if (position < partition.range.low) position = partition.range.low;
      const { records, next } = partition.read(position, to);
      if (records.length > 0) yield records;
      if (next <= position) return;
      position = next;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((part) => part.close()));
  }
}

class MemoryAdmin implements LogAdmin {
  readonly #cluster: MemoryCluster;
  readonly #coordinator: MemoryCoordinator;

  constructor(cluster: MemoryCluster, coordinator: MemoryCoordinator) {
    this.#cluster = cluster;
    this.#coordinator = coordinator;
  }

  async ensureTopics(specs: readonly TopicSpec[], { create }: { readonly create: boolean }): Promise<void> {
    for (const spec of specs) {
      const found = this.#cluster.find(spec.name)?.length;
      if (found === undefined && !create) {
        throw new HeadwaterError('topic-missing', `topic ${spec.name} does not exist`);
      }
      if (found !== undefined && found !== spec.partitions) {
        const message = `topic ${spec.name} has ${found} partitions, not ${spec.partitions}`;
        throw new HeadwaterError('topic-mismatch', message);
      }
      if (found === undefined) this.#cluster.create(spec);
    }
  }

  async partitions(topic: string): Promise<number | undefined> {
    return this.#cluster.find(topic)?.length;
  }

  async describe(topic: string): Promise<TopicSpec | undefined> {
    return this.#cluster.describe(topic);
  }

  async offsets(topic: string) {
    return this.#partitions(topic).map((partition) => partition.range);
  }

  async committed(group: string, topic: string) {
    return this.#partitions(topic).map((_, index) => this.#cluster.committed(group, topic, index));
  }

  async commit(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    if (this.#coordinator.members(group).length > 0) {
      throw new HeadwaterError('request-invalid', `group ${group} has members; stop its services first`);
    }
    for (const [partition, offset] of offsets) this.#cluster.commit(group, topic, partition, offset);
  }

  async replication(topics: readonly string[]) {
    const known = topics.filter((topic) => this.#cluster.find(topic) !== undefined);
    return {
      brokers: 1,
      topics: new Map(known.map((topic) => [topic, { replicas: 1, minInsyncReplicas: 1 }])),
    };
  }

  async describeGroup(group: string): Promise<GroupDescription> {
    return { isStable: true, members: this.#coordinator.members(group) };
  }

  async deleteRecords(topic: string, before: ReadonlyMap<number, bigint>): Promise<void> {
    for (const [partition, offset] of before) this.#cluster.partition(topic, partition).deleteBefore(offset);
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.#cluster.delete(topic);
  }

  async deleteGroups(groups: readonly string[]): Promise<void> {
    for (const group of groups) this.#cluster.deleteGroup(group);
  }

  #partitions(topic: string) {
    const found = this.#cluster.find(topic);
    if (found === undefined) throw new HeadwaterError('topic-missing', `topic ${topic} does not exist`);
    return found;
  }
}
