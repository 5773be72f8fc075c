/** Reads without a group over one shared connection: the ends of partitions, and bounded ranges. */
import type { LogRecord, OffsetRange, ReadOptions } from '../api.ts';
import { attempt } from './attempts.ts';
import { asLogError, isStaleMetadata, rootOf } from './failures.ts';
import type { Cluster } from './kafkajs.ts';
import { fetchFrom, type PartitionPosition } from './partition-fetch.ts';
import { CorruptBatchError, corruptBatch } from './record-batches.ts';

/** The end is known to be there, so the broker need not wait for more. */
const maxWaitMs = 100;

export class PartitionReader {
  readonly #open: () => Cluster;
  #cluster: Promise<Cluster> | undefined;

  constructor(open: () => Cluster) {
    this.#open = open;
  }

  /** By partition index; `high` is where a read_committed reader ends. Errors: topic-missing. */
  async ranges(topic: string): Promise<readonly OffsetRange[]> {
    return this.#attempt(`asking for the offsets of ${topic}`, topic, async (cluster) => {
      const partitions = cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId: partition }) => ({ partition }));
      const ask = async (fromBeginning: boolean) => {
        const [answer] = await cluster.fetchTopicsOffset([{ topic, fromBeginning, partitions }]);
        return new Map(answer?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
      };
      const [lows, highs] = [await ask(true), await ask(false)];
      return partitions.map((_, index) => ({ low: lows.get(index) ?? 0n, high: highs.get(index) ?? 0n }));
    });
  }

  /** Errors: log-offset-out-of-range, log-batch-corrupt, topic-missing, log-unavailable. */
  async *read({ topic, partition, from, to }: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    const range = (await this.ranges(topic))[partition] ?? { low: 0n, high: 0n };
    const end = to === undefined || to > range.high ? range.high : to;
    const position: PartitionPosition = {
      topic,
      partition,
      offset: from === undefined || from < range.low ? range.low : from,
    };
    while (position.offset < end) {
      const chunk = await this.#fetch(position);
      if (chunk === undefined) continue;
      position.offset = chunk.next;
      const records = chunk.records.filter(({ offset }) => offset < end);
      if (records.length > 0) yield records;
    }
  }

  async close(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    if (cluster === undefined) return;
    await (await cluster.catch(() => undefined))?.disconnect();
  }

  async #fetch(position: PartitionPosition) {
    const { topic, partition } = position;
    return this.#attempt(`reading ${topic}-${partition}`, topic, async (cluster) => {
      const [nodeId = ''] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
      const broker = await cluster.findBroker({ nodeId });
      try {
        return (await fetchFrom(broker, [position], { maxWaitMs }))[0]?.chunk;
      } catch (thrown) {
        const root = rootOf(thrown);
        throw root instanceof CorruptBatchError ? corruptBatch(topic, partition, root) : thrown;
      }
    });
  }

  #attempt<T>(doing: string, topic: string, work: (cluster: Cluster) => Promise<T>): Promise<T> {
    const connected = async () => {
      const cluster = await this.#connect();
      try {
        await cluster.addMultipleTargetTopics([topic]);
        await cluster.refreshMetadataIfNecessary();
        return await work(cluster);
      } catch (thrown) {
        await this.#recover(cluster, thrown);
        throw thrown;
      }
    };
    return attempt(doing, connected, (thrown) => mayPass(thrown, doing));
  }

  #connect(): Promise<Cluster> {
    this.#cluster ??= this.#start().catch((thrown: unknown) => {
      this.#cluster = undefined;
      throw thrown;
    });
    return this.#cluster;
  }

  async #start(): Promise<Cluster> {
    const cluster = this.#open();
    await cluster.connect();
    return cluster;
  }

  async #recover(cluster: Cluster, thrown: unknown): Promise<void> {
    const root = rootOf(thrown) as Error & { readonly host?: string; readonly port?: number };
    if (root.host !== undefined && root.port !== undefined) {
      cluster.removeBroker({ host: root.host, port: root.port });
    }
    if (isStaleMetadata(thrown) || root.host !== undefined)
      await cluster.refreshMetadata().catch(() => undefined);
  }
}

/** A topic that is not known may have been created a moment ago, elsewhere in the cluster. */
function mayPass(thrown: unknown, doing: string): boolean {
  const type = rootOf(thrown).type;
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
  return isStaleMetadata(thrown) || asLogError(thrown, doing).verdict === 'retry';
}
