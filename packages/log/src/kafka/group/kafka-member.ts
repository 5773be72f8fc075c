/**
 * A group member on Kafka. kafkajs' consumer only joins, sends heartbeats and assigns; its partitions stay paused,
 * and each partition fetches over its own connections. So heartbeats continue during processing and retries, an
 * offset out of range is never replaced by a default, and no fetch of a former generation arrives late.
 */
import { asHeadwaterError } from '@headwater/errors';
import type { Positions } from '../../api.ts';
import { backoffMs, pauseFor } from '../../backoff.ts';
import type { Logger } from '../../logger.ts';
import type {
  GroupMember,
  JoinOptions,
  MemberListener,
  PartitionTransactions,
} from '../../partitions/membership.ts';
import type { KafkaClient } from '../client/client.ts';
import { asLogError } from '../client/failures.ts';
import type { Consumer, GroupJoin } from '../client/kafkajs.ts';
import { FetchLoop, outOfRange } from '../fetch/fetch-loop.ts';
import type { PartitionReader } from '../fetch/partition-reader.ts';
import type { Producers } from '../produce/producers.ts';
import type { GroupOffsets } from './group-offsets.ts';
import { assignerName, createPartitionAssigner } from './partition-assigner.ts';

export interface KafkaMemberDependencies {
  readonly client: KafkaClient;
  readonly reader: PartitionReader;
  readonly offsets: GroupOffsets;
  readonly producers: Pick<Producers, 'openTransactional'>;
  readonly logger: Logger;
}

export class KafkaMember implements GroupMember {
  readonly #options: JoinOptions;
  readonly #listener: MemberListener;
  readonly #dependencies: KafkaMemberDependencies;
  readonly #loops = new Map<number, FetchLoop>();
  readonly #leaving = new AbortController();
  /** Replaced after a crash from which kafkajs does not recover. */
  #consumer: Consumer | undefined;
  /** The generation that this member joined last. */
  #generation: GroupJoin | undefined;
  #partitions: readonly number[] = [];

  constructor(options: JoinOptions, listener: MemberListener, dependencies: KafkaMemberDependencies) {
    this.#options = options;
    this.#listener = listener;
    this.#dependencies = dependencies;
  }

  async start(): Promise<void> {
    const consumer = this.#createConsumer();
    this.#consumer = consumer;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
      await consumer.run({ autoCommit: false, eachBatch: async () => undefined });
    } catch (thrown) {
      throw asLogError(thrown, `joining group ${this.#options.group}`);
    }
  }

  async openTransactions(partition: number, transactionalId: string): Promise<PartitionTransactions> {
    await this.#closeLoop(partition);
    const { group } = this.#options;
    return this.#dependencies.producers.openTransactional({ transactionalId, group, partition });
  }

  async committed(partition: number): Promise<Positions> {
    const { offsets, reader } = this.#dependencies;
    const positions = new Map<string, bigint>();
    for (const topic of this.#options.topics) {
      const committed = await offsets.settled(this.#options.group, topic, partition);
      const { low, high } = await reader.rangeAt(topic, partition, committed ?? 0n);
      const position = committed ?? low;
      if (position < low || position > high) throw outOfRange(topic, partition, position);
      positions.set(topic, position);
    }
    return positions;
  }

  async ends(partition: number): Promise<Positions> {
    const ends = new Map<string, bigint>();
    for (const topic of this.#options.topics) {
      ends.set(topic, (await this.#dependencies.reader.range(topic, partition)).high);
    }
    return ends;
  }

  seek(partition: number, positions: Positions): void {
    if (this.#left) return;
    void this.#closeLoop(partition);
    const start = [...positions].map(([topic, offset]) => ({ topic, partition, offset }));
    const loop = new FetchLoop(this.#dependencies.client.cluster(), start, {
      handle: (topic, _partition, chunk) => {
        if (this.#loops.get(partition) === loop) this.#listener.fetched(partition, topic, chunk);
      },
      failed: (error) => {
        if (this.#loops.get(partition) === loop) this.#listener.failed(error);
      },
    });
    this.#loops.set(partition, loop);
  }

  pause(partition: number): void {
    this.#loops.get(partition)?.pause();
  }

  resume(partition: number): void {
    this.#loops.get(partition)?.resume();
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    const loops = [...this.#loops.keys()].map((partition) => this.#closeLoop(partition));
    await Promise.all([this.#consumer?.disconnect(), ...loops]);
  }

  get #left(): boolean {
    return this.#leaving.signal.aborted;
  }

  #createConsumer(): Consumer {
    const { group, sessionTimeoutMs, partitions, address, stored } = this.#options;
    const consumer = this.#dependencies.client.consumer({
      group,
      sessionTimeoutMs,
      assigner: createPartitionAssigner(partitions, () => ({
        former: this.#partitions,
        address,
        stored: stored?.(),
      })),
      assignerName,
      mayRestart: () => !this.#left,
    });
    const { GROUP_JOIN, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (this.#consumer === consumer) this.#joined(consumer, payload as typeof payload & GroupJoin);
    });
    consumer.on(CRASH, ({ payload }) => {
      if (this.#consumer === consumer && !payload.restart) void this.#crashed(consumer, payload.error);
    });
    return consumer;
  }

  /** kafkajs restarts only after some failures; a coordinator that is not found during broker start is not among them. */
  async #crashed(consumer: Consumer, thrown: unknown): Promise<void> {
    const { group } = this.#options;
    let error = asLogError(thrown, `membership in group ${group}`);
    let crashed = consumer;
    for (let failures = 0; !this.#left; failures += 1) {
      if (error.verdict !== 'retry') return this.#listener.failed(error);
      const fields = { group, code: error.code, reason: error.message };
      this.#dependencies.logger.warn(fields, 'rejoining the consumer group');
      await crashed.disconnect().catch(() => undefined);
      await pauseFor(backoffMs(failures), this.#leaving.signal);
      if (this.#left) return;
      try {
        return await this.start();
      } catch (again) {
        error = asHeadwaterError(again);
        crashed = this.#consumer ?? crashed;
      }
    }
  }

  #joined(consumer: Consumer, join: GroupJoin): void {
    if (this.#left) {
      // A join that was in progress during `leave`: leave the group again.
      void consumer.disconnect().catch(() => undefined);
      return;
    }
    // Pause synchronously, before kafkajs fetches for the new generation.
    consumer.pause(this.#options.topics.map((topic) => ({ topic })));
    const [first] = this.#options.topics;
    const partitions = [...(join.memberAssignment[first ?? ''] ?? [])].sort((a, b) => a - b);
    const former = follows(join, this.#generation) ? this.#partitions : [];
    const kept = partitions.filter((partition) => former.includes(partition));
    this.#generation = join;
    this.#partitions = partitions;
    for (const partition of [...this.#loops.keys()].filter((open) => !kept.includes(open)))
      void this.#closeLoop(partition);
    this.#listener.joined(partitions, kept);
  }

  async #closeLoop(partition: number): Promise<void> {
    const loop = this.#loops.get(partition);
    this.#loops.delete(partition);
    await loop?.close();
  }
}

/**
 * True where the member was in the generation directly before: another member may have owned its partitions after it
 * was expelled (its id is another one then), or in a generation whose assignment it did not receive.
 */
function follows(join: GroupJoin, former: GroupJoin | undefined): boolean {
  if (former?.memberId !== join.memberId) return false;
  return join.generationId === former.generationId || join.generationId === former.generationId + 1;
}
