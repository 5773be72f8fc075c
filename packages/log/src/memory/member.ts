/** A member of a group on the log in memory: cursors in place of fetches, one step in place of a transaction. */
import { HeadwaterError } from '@headwater/errors';
import type { OutgoingRecord, Positions } from '../api.ts';
import type { GroupMember, JoinOptions, LaneTransactions, MemberListener } from '../partitions/membership.ts';
import type { MemoryCluster } from './cluster.ts';
import type { CoordinatedMember, MemoryCoordinator } from './coordinator.ts';
import { MemoryCursor } from './cursor.ts';

let members = 0;

export class MemoryMember implements GroupMember, CoordinatedMember {
  readonly id = `member-${String(++members).padStart(9, '0')}`;
  former: readonly number[] = [];
  readonly #cluster: MemoryCluster;
  readonly #coordinator: MemoryCoordinator;
  readonly #options: JoinOptions;
  readonly #listener: MemberListener;
  readonly #cursors = new Map<string, MemoryCursor>();

  constructor(
    cluster: MemoryCluster,
    coordinator: MemoryCoordinator,
    options: JoinOptions,
    listener: MemberListener,
  ) {
    this.#cluster = cluster;
    this.#coordinator = coordinator;
    this.#options = options;
    this.#listener = listener;
  }

  async start(): Promise<void> {
    this.#coordinator.join(this.#options.group, this.#options.lanes, this);
  }

  joined(lanes: readonly number[]): void {
    this.#closeCursors();
    this.#listener.joined(lanes);
  }

  async openTransactions(_lane: number, transactionalId: string): Promise<LaneTransactions> {
    const epoch = this.#cluster.initTransactions(transactionalId);
    const lane = _lane;
    return {
      commit: async (records, positions) =>
        this.#commit({ transactionalId, epoch, lane, records, positions }),
      close: async () => undefined,
    };
  }

  async committed(lane: number): Promise<Positions> {
    const positions = new Map<string, bigint>();
    for (const topic of this.#options.topics) {
      const { low, high } = this.#cluster.partition(topic, lane).range;
      const position = this.#cluster.committed(this.#options.group, topic, lane) ?? low;
      if (position < low || position > high) throw outOfRange(topic, lane, position);
      positions.set(topic, position);
    }
    return positions;
  }

  async ends(lane: number): Promise<Positions> {
    return new Map(
      this.#options.topics.map((topic) => [topic, this.#cluster.partition(topic, lane).range.high]),
    );
  }

  seek(lane: number, positions: Positions): void {
    for (const [topic, position] of positions) {
      const key = `${topic}/${lane}`;
      const cursor = this.#cursors.get(key);
      if (cursor === undefined) this.#cursors.set(key, this.#open(topic, lane, position));
      else cursor.seek(position);
    }
  }

  pause(lane: number): void {
    for (const topic of this.#options.topics) this.#cursors.get(`${topic}/${lane}`)?.pause();
  }

  resume(lane: number): void {
    for (const topic of this.#options.topics) this.#cursors.get(`${topic}/${lane}`)?.resume();
  }

  async leave(): Promise<void> {
    this.#closeCursors();
    this.#coordinator.leave(this.#options.group, this);
  }

  #open(topic: string, lane: number, position: bigint): MemoryCursor {
    return new MemoryCursor(this.#cluster.partition(topic, lane), position, {
      handle: (chunk) => this.#listener.fetched(lane, topic, chunk),
      failed: (error) => this.#listener.failed(error),
    });
  }

  #commit(transaction: {
    readonly transactionalId: string;
    readonly epoch: number;
    readonly lane: number;
    readonly records: readonly OutgoingRecord[];
    readonly positions: Positions;
  }): void {
    const { transactionalId, epoch, lane, records, positions } = transaction;
    this.#cluster.checkEpoch(transactionalId, epoch);
    this.#cluster.append(records);
    for (const [topic, offset] of positions) this.#cluster.commit(this.#options.group, topic, lane, offset);
  }

  #closeCursors(): void {
    for (const cursor of this.#cursors.values()) cursor.close();
    this.#cursors.clear();
  }
}

function outOfRange(topic: string, partition: number, offset: bigint): HeadwaterError {
  const message = `the committed offset ${offset} of ${topic}-${partition} is not in the log; reset it to go on`;
  return new HeadwaterError('log-offset-out-of-range', message, {
    context: { topic, partition, offset: String(offset) },
  });
}
