/** A member of a group on the log in memory: cursors in place of fetches, one step in place of a transaction. */
import { HeadwaterError } from '@headwater/errors';
import type { OutgoingRecord, Positions } from '../api.ts';
import type {
  GroupMember,
  JoinOptions,
  MemberListener,
  PartitionTransactions,
} from '../partitions/membership.ts';
import type { MemoryCluster } from './cluster.ts';
import type { CoordinatedMember, MemoryCoordinator } from './coordinator.ts';
import { MemoryCursor } from './cursor.ts';

let members = 0;

export class MemoryMember implements GroupMember, CoordinatedMember {
  readonly id = `member-${String(++members).padStart(9, '0')}`;
  readonly address: string | undefined;
  former: readonly number[] = [];
  readonly #cluster: MemoryCluster;
  readonly #coordinator: MemoryCoordinator;
  readonly #options: JoinOptions;
  readonly #listener: MemberListener;
  /** By partition, then by topic. */
  readonly #cursors = new Map<number, Map<string, MemoryCursor>>();

  constructor(
    cluster: MemoryCluster,
    coordinator: MemoryCoordinator,
    options: JoinOptions,
    listener: MemberListener,
  ) {
    this.#cluster = cluster;
    this.#coordinator = coordinator;
    this.#options = options;
    this.address = options.address;
    this.#listener = listener;
  }

  stored(): ReadonlyMap<number, bigint> {
    return this.#options.stored?.() ?? new Map();
  }

  async start(): Promise<void> {
    this.#coordinator.join(this.#options.group, this.#options.partitions, this);
  }

  joined(partitions: readonly number[], kept: readonly number[]): void {
    this.#closeCursors((partition) => !kept.includes(partition));
    this.#listener.joined(partitions, kept);
  }

  async openTransactions(partition: number, transactionalId: string): Promise<PartitionTransactions> {
    const epoch = this.#cluster.initTransactions(transactionalId);
    return {
      commit: async (records, positions) =>
        this.#commit({ transactionalId, epoch, partition, records, positions }),
      close: async () => undefined,
    };
  }

  async committed(partition: number): Promise<Positions> {
    const positions = new Map<string, bigint>();
    for (const topic of this.#options.topics) {
      const { low, high } = this.#cluster.partition(topic, partition).range;
      const position = this.#cluster.committed(this.#options.group, topic, partition) ?? low;
      if (position < low || position > high) throw outOfRange(topic, partition, position);
      positions.set(topic, position);
    }
    return positions;
  }

  async ends(partition: number): Promise<Positions> {
    return new Map(
      this.#options.topics.map((topic) => [topic, this.#cluster.partition(topic, partition).range.high]),
    );
  }

  seek(partition: number, positions: Positions): void {
    const cursors = this.#cursors.get(partition) ?? new Map<string, MemoryCursor>();
    this.#cursors.set(partition, cursors);
    for (const [topic, position] of positions) {
      const cursor = cursors.get(topic);
      if (cursor === undefined) cursors.set(topic, this.#open(topic, partition, position));
      else cursor.seek(position);
    }
  }

  pause(partition: number): void {
    for (const cursor of this.#cursors.get(partition)?.values() ?? []) cursor.pause();
  }

  resume(partition: number): void {
    for (const cursor of this.#cursors.get(partition)?.values() ?? []) cursor.resume();
  }

  async leave(): Promise<void> {
    this.#closeCursors(() => true);
    this.#coordinator.leave(this.#options.group, this);
  }

  #open(topic: string, partition: number, position: bigint): MemoryCursor {
    return new MemoryCursor(this.#cluster.partition(topic, partition), position, {
      handle: (chunk) => this.#listener.fetched(partition, topic, chunk),
      failed: (error) => this.#listener.failed(error),
    });
  }

  #commit(transaction: {
    readonly transactionalId: string;
    readonly epoch: number;
    readonly partition: number;
    readonly records: readonly OutgoingRecord[];
    readonly positions: Positions;
  }): void {
    const { transactionalId, epoch, partition, records, positions } = transaction;
    this.#cluster.checkEpoch(transactionalId, epoch);
    this.#cluster.append(records);
    for (const [topic, offset] of positions)
      this.#cluster.commit(this.#options.group, topic, partition, offset);
  }

  #closeCursors(isClosed: (partition: number) => boolean): void {
    for (const [partition, cursors] of this.#cursors) {
      if (!isClosed(partition)) continue;
      for (const cursor of cursors.values()) cursor.close();
      this.#cursors.delete(partition);
    }
  }
}

function outOfRange(topic: string, partition: number, offset: bigint): HeadwaterError {
  const message = `the committed offset ${offset} of ${topic}-${partition} is not in the log; reset it to go on`;
  return new HeadwaterError('log-offset-out-of-range', message, {
    context: { topic, partition, offset: String(offset) },
  });
}
