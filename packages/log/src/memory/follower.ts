/** Reads all partitions of topics in memory, from the beginning or from the end. */
import type { HeadwaterError } from '@headwater/errors';
import type { Follower, FollowOptions } from '../api.ts';
import { FollowProgress } from '../partitions/follow-progress.ts';
import type { FetchedChunk } from '../partitions/membership.ts';
import type { MemoryCluster } from './cluster.ts';
import { MemoryCursor } from './cursor.ts';

export class MemoryFollower implements Follower {
  readonly caughtUp: Promise<void>;
  readonly stopped: Promise<void>;
  readonly #progress = new FollowProgress();
  readonly #cursors: MemoryCursor[] = [];

  constructor(cluster: MemoryCluster, options: FollowOptions) {
    this.caughtUp = this.#progress.caughtUp;
    this.stopped = this.#progress.stopped;
    for (const topic of options.topics) this.#open(cluster, topic, options);
    this.#progress.check();
  }

  position(topic: string, partition: number): bigint | undefined {
    return this.#progress.position(topic, partition);
  }

  async close(): Promise<void> {
    this.#end();
  }

  #open(cluster: MemoryCluster, topic: string, { from, onRecords }: FollowOptions): void {
    (cluster.find(topic) ?? []).forEach((partition, index) => {
      const { low, high } = partition.range;
      const start = from === 'beginning' ? low : high;
      this.#progress.add(topic, index, start, high);
      const handle = async (chunk: FetchedChunk) => {
        if (chunk.records.length > 0) await onRecords(chunk.records);
        this.#progress.advance(topic, index, chunk.next);
      };
      const failed = (error: HeadwaterError) => this.#end(error);
      this.#cursors.push(new MemoryCursor(partition, start, { handle, failed }));
    });
  }

  #end(error?: HeadwaterError): void {
    for (const cursor of this.#cursors) cursor.close();
    this.#progress.end(error);
  }
}
