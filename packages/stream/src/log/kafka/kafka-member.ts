/**
 * A member of a group on Kafka. kafkajs' consumer is used for membership alone (joining, heartbeats, the
 * assignment); its partitions stay paused, and each lane fetches over connections of its own. So heartbeats go
 * on while batches are processed or retried, offsets out of range never end in a default one that is committed
 * silently, and what was fetched for a former generation cannot come in late.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Logger } from '../../logger.ts';
import type { Positions } from '../api.ts';
import type { GroupMember, JoinOptions, LaneTransactions, MemberListener } from '../membership.ts';
import type { KafkaClient } from './client.ts';
import { asLogError } from './failures.ts';
import { FetchLoop, outOfRange } from './fetch-loop.ts';
import type { GroupOffsets } from './group-offsets.ts';
import { KafkaTransactions } from './kafka-transactions.ts';
import type { Consumer } from './kafkajs.ts';
import { assignerName, createLaneAssigner } from './lane-assigner.ts';
import type { PartitionReader } from './partition-reader.ts';
import type { TableOfTopics } from './table-of-topics.ts';

export interface KafkaMemberDependencies {
  readonly client: KafkaClient;
  readonly reader: PartitionReader;
  readonly offsets: GroupOffsets;
  readonly topics: TableOfTopics;
  readonly maxBatchBytes: number;
  readonly logger: Logger;
}

export class KafkaMember implements GroupMember {
  readonly #options: JoinOptions;
  readonly #listener: MemberListener;
  readonly #dependencies: KafkaMemberDependencies;
  readonly #consumer: Consumer;
  readonly #loops = new Map<number, FetchLoop>();
  #lanes: readonly number[] = [];
  #left = false;

  constructor(options: JoinOptions, listener: MemberListener, dependencies: KafkaMemberDependencies) {
    this.#options = options;
    this.#listener = listener;
    this.#dependencies = dependencies;
    this.#consumer = dependencies.client.consumer({
      group: options.group,
      sessionTimeoutMs: options.sessionTimeoutMs,
      assigner: createLaneAssigner(options.lanes, () => this.#lanes),
      assignerName,
      mayRestart: () => !this.#left,
    });
  }

  async start(): Promise<void> {
    const { GROUP_JOIN, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#joined(payload.memberAssignment));
    this.#consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart && !this.#left) this.#listener.failed(this.#asFatal(payload.error));
    });
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
      await this.#consumer.run({ autoCommit: false, eachBatch: async () => undefined });
    } catch (thrown) {
      throw asLogError(thrown, `joining group ${this.#options.group}`);
    }
  }

  async openTransactions(lane: number, transactionalId: string): Promise<LaneTransactions> {
    await this.#closeLoop(lane);
    const { client, topics, maxBatchBytes } = this.#dependencies;
    const producer = client.transactionalProducer(transactionalId);
    const { group } = this.#options;
    const transactions = new KafkaTransactions({ producer, topics, maxBatchBytes, group, partition: lane });
    try {
      await transactions.open();
    } catch (thrown) {
      await transactions.close();
      throw thrown;
    }
    return transactions;
  }

  async committed(lane: number): Promise<Positions> {
    const { offsets, reader } = this.#dependencies;
    const positions = new Map<string, bigint>();
    for (const topic of this.#options.topics) {
      const committed = await offsets.settled(this.#options.group, topic, lane);
      const { low, high } = await reader.range(topic, lane);
      const position = committed ?? low;
      if (position < low || position > high) throw outOfRange(topic, lane, position);
      positions.set(topic, position);
    }
    return positions;
  }

  async ends(lane: number): Promise<Positions> {
    const ends = new Map<string, bigint>();
    for (const topic of this.#options.topics) {
      ends.set(topic, (await this.#dependencies.reader.range(topic, lane)).high);
    }
    return ends;
  }

  seek(lane: number, positions: Positions): void {
    if (this.#left) return;
    void this.#closeLoop(lane);
    const start = [...positions].map(([topic, offset]) => ({ topic, partition: lane, offset }));
    const loop = new FetchLoop(this.#dependencies.client.cluster(), start, {
      handle: (topic, _partition, chunk) => {
        if (this.#loops.get(lane) === loop) this.#listener.fetched(lane, topic, chunk);
      },
      failed: (error) => {
        if (this.#loops.get(lane) === loop) this.#listener.failed(error);
      },
    });
    this.#loops.set(lane, loop);
  }

  pause(lane: number): void {
    this.#loops.get(lane)?.pause();
  }

  resume(lane: number): void {
    this.#loops.get(lane)?.resume();
  }

  async leave(): Promise<void> {
    this.#left = true;
    const loops = [...this.#loops.keys()].map((lane) => this.#closeLoop(lane));
    await Promise.all([this.#consumer.disconnect(), ...loops]);
  }

  #joined(assignment: Readonly<Record<string, readonly number[]>>): void {
    if (this.#left) {
      // A join that was under way while we left; the group must not count on us.
      void this.#consumer.disconnect().catch(() => undefined);
      return;
    }
    // Synchronously, before kafkajs fetches anything of the new generation.
    this.#consumer.pause(this.#options.topics.map((topic) => ({ topic })));
    for (const lane of [...this.#loops.keys()]) void this.#closeLoop(lane);
    const [first] = this.#options.topics;
    this.#lanes = [...(assignment[first ?? ''] ?? [])].sort((a, b) => a - b);
    this.#listener.joined(this.#lanes);
  }

  async #closeLoop(lane: number): Promise<void> {
    const loop = this.#loops.get(lane);
    this.#loops.delete(lane);
    await loop?.close();
  }

  #asFatal(thrown: unknown): HeadwaterError {
    const error = asLogError(thrown, `being a member of group ${this.#options.group}`);
    if (error.verdict === 'stop') return error;
    return new HeadwaterError(error.code, error.message, { verdict: 'stop', cause: thrown });
  }
}
