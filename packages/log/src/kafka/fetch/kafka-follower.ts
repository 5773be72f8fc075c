/** Reads all partitions of topics without a group and without commits. */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Follower, FollowOptions } from '../../api.ts';
import { FollowProgress } from '../../partitions/follow-progress.ts';
import type { FetchedChunk } from '../../partitions/membership.ts';
import type { PartitionWatch } from '../../partitions/partition-watch.ts';
import type { Cluster } from '../client/kafkajs.ts';
import { FetchLoop } from './fetch-loop.ts';
import type { PartitionPosition } from './partition-fetch.ts';
import type { PartitionReader } from './partition-reader.ts';

export class KafkaFollower implements Follower {
  readonly caughtUp: Promise<void>;
  readonly stopped: Promise<void>;
  readonly #options: FollowOptions;
  readonly #progress = new FollowProgress();
  #loop: FetchLoop | undefined;
  #unwatch: () => void = () => undefined;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.caughtUp = this.#progress.caughtUp;
    this.stopped = this.#progress.stopped;
  }

  async start(cluster: Cluster, reader: PartitionReader, watch: PartitionWatch): Promise<void> {
    const positions: PartitionPosition[] = [];
    const counts = new Map<string, number>();
    for (const topic of this.#options.topics) {
      const ranges = await reader.ranges(topic);
      counts.set(topic, ranges.length);
      ranges.forEach(({ low, high }, partition) => {
        const offset = this.#options.from === 'beginning' ? low : high;
        positions.push({ topic, partition, offset });
        this.#progress.add(topic, partition, offset, high);
      });
    }
    this.#progress.check();
    this.#loop = new FetchLoop(cluster, positions, {
      handle: (topic, partition, chunk) => this.#handle(topic, partition, chunk),
      failed: (error) => this.#progress.end(error),
    });
    this.#unwatch = watch.watch(counts, (error) => this.#stop(error));
  }

  position(topic: string, partition: number): bigint | undefined {
    return this.#progress.position(topic, partition);
  }

  async close(): Promise<void> {
    this.#unwatch();
    await this.#loop?.close();
    this.#progress.end();
  }

  /** Added partitions split the records of a key and lose their order: a table could keep an old record. */
  #stop(error: HeadwaterError): void {
    void this.#loop?.close();
    this.#progress.end(error);
  }

  async #handle(topic: string, partition: number, chunk: FetchedChunk): Promise<void> {
    try {
      if (chunk.records.length > 0) await this.#options.onRecords(chunk.records);
    } catch (thrown) {
      throw asFinal(thrown);
    }
    this.#progress.advance(topic, partition, chunk.next);
  }
}

/** An error of the handler ends the follower, regardless of its verdict. */
function asFinal(thrown: unknown): HeadwaterError {
  const { code, message, context } = asHeadwaterError(thrown);
  return new HeadwaterError(code, message, { verdict: 'stop', cause: thrown, context });
}
