/** Reads all partitions of some topics, without a group: nothing to join, nothing to commit, nothing to clean up. */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Follower, FollowOptions } from '../api.ts';
import type { FetchedChunk } from '../membership.ts';
import { FetchLoop } from './fetch-loop.ts';
import type { Cluster } from './kafkajs.ts';
import type { PartitionPosition } from './partition-fetch.ts';
import type { PartitionReader } from './partition-reader.ts';

export class KafkaFollower implements Follower {
  readonly caughtUp: Promise<void>;
  readonly stopped: Promise<void>;
  readonly #options: FollowOptions;
  readonly #done = new Map<string, bigint>();
  /** Ends at the start that are not reached yet. */
  readonly #goals = new Map<string, bigint>();
  #loop: FetchLoop | undefined;
  #settleCaughtUp: () => void = () => undefined;
  #settleStopped: (error?: HeadwaterError) => void = () => undefined;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.caughtUp = new Promise((resolve) => {
      this.#settleCaughtUp = resolve;
    });
    this.stopped = new Promise((resolve, reject) => {
      this.#settleStopped = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.stopped.catch(() => undefined);
  }

  async start(cluster: Cluster, reader: PartitionReader): Promise<void> {
    const positions: PartitionPosition[] = [];
    for (const topic of this.#options.topics) {
      const ranges = await reader.ranges(topic);
      ranges.forEach(({ low, high }, partition) => {
        const offset = this.#options.from === 'beginning' ? low : high;
        positions.push({ topic, partition, offset });
        this.#done.set(`${topic}/${partition}`, offset);
        this.#goals.set(`${topic}/${partition}`, high);
      });
    }
    this.#checkGoals();
    this.#loop = new FetchLoop(cluster, positions, {
      handle: (topic, partition, chunk) => this.#handle(topic, partition, chunk),
      failed: (error) => this.#settleStopped(error),
    });
  }

  position(topic: string, partition: number): bigint | undefined {
    return this.#done.get(`${topic}/${partition}`);
  }

  async close(): Promise<void> {
    await this.#loop?.close();
    this.#settleCaughtUp();
    this.#settleStopped();
  }

  async #handle(topic: string, partition: number, chunk: FetchedChunk): Promise<void> {
    try {
      if (chunk.records.length > 0) await this.#options.onRecords(chunk.records);
    } catch (thrown) {
      const error = asHeadwaterError(thrown);
      // What a reader throws ends the follower, whatever its verdict would be for a record.
      throw new HeadwaterError(error.code, error.message, {
        verdict: 'stop',
        cause: error,
        context: error.context,
      });
    }
    this.#done.set(`${topic}/${partition}`, chunk.next);
    this.#checkGoals();
  }

  #checkGoals(): void {
    for (const [key, goal] of this.#goals) {
      if ((this.#done.get(key) ?? 0n) >= goal) this.#goals.delete(key);
    }
    if (this.#goals.size === 0) this.#settleCaughtUp();
  }
}
