/** Reads all partitions of some topics in memory, from the beginning or from the end. */
import type { HeadwaterError } from '@headwater/errors';
import type { Follower, FollowOptions } from '../api.ts';
import type { FetchedChunk } from '../membership.ts';
import type { MemoryCluster } from './cluster.ts';
import { MemoryCursor } from './cursor.ts';

export class MemoryFollower implements Follower {
  readonly caughtUp: Promise<void>;
  readonly stopped: Promise<void>;
  readonly #cursors = new Map<string, MemoryCursor>();
  readonly #done = new Map<string, bigint>();
  /** Ends at the start that are not reached yet. */
  readonly #goals = new Map<string, bigint>();
  #settleCaughtUp: () => void = () => undefined;
  #settleStopped: (error?: HeadwaterError) => void = () => undefined;

  constructor(cluster: MemoryCluster, options: FollowOptions) {
    this.caughtUp = new Promise((resolve) => {
      this.#settleCaughtUp = resolve;
    });
    this.stopped = new Promise((resolve, reject) => {
      this.#settleStopped = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.stopped.catch(() => undefined);
    for (const topic of options.topics) this.#open(cluster, topic, options);
    this.#checkGoals();
  }

  position(topic: string, partition: number): bigint | undefined {
    return this.#done.get(`${topic}/${partition}`);
  }

  async close(): Promise<void> {
    for (const cursor of this.#cursors.values()) cursor.close();
    this.#settleCaughtUp();
    this.#settleStopped();
  }

  #open(cluster: MemoryCluster, topic: string, { from, onRecords }: FollowOptions): void {
    (cluster.find(topic) ?? []).forEach((partition, index) => {
      const key = `${topic}/${index}`;
      const { low, high } = partition.range;
      const start = from === 'beginning' ? low : high;
      this.#done.set(key, start);
      this.#goals.set(key, high);
      const handle = async (chunk: FetchedChunk) => {
        if (chunk.records.length > 0) await onRecords(chunk.records);
        this.#done.set(key, chunk.next);
        this.#checkGoals();
      };
      const failed = (error: HeadwaterError) => this.#fail(error);
      this.#cursors.set(key, new MemoryCursor(partition, start, { handle, failed }));
    });
  }

  #checkGoals(): void {
    for (const [key, goal] of this.#goals) {
      if ((this.#done.get(key) ?? 0n) >= goal) this.#goals.delete(key);
    }
    if (this.#goals.size === 0) this.#settleCaughtUp();
  }

  #fail(error: HeadwaterError): void {
    for (const cursor of this.#cursors.values()) cursor.close();
    this.#settleStopped(error);
  }
}
