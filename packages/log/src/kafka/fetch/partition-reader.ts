/** Reads without a group over shared connections: the ends of partitions, and bounded ranges. */
import { HeadwaterError } from '@headwater/errors';
import type { LogRecord, OffsetRange, ReadOptions } from '../../api.ts';
import { rootOf } from '../client/failures.ts';
import type { Cluster } from '../client/kafkajs.ts';
import type { SharedCluster } from '../client/shared-cluster.ts';
import { hasOtherLeaders, staleLeaderAttempts } from './deposed-leader.ts';
import { fetchFrom, type PartitionPosition } from './partition-fetch.ts';
import { CorruptBatchError, corruptBatch } from './record-batches.ts';

/** The requested records exist, so the broker need not wait for more. */
const maxWaitMs = 100;

export class PartitionReader {
  readonly #cluster: SharedCluster;

  constructor(cluster: SharedCluster) {
    this.#cluster = cluster;
  }

  /** Ranges by partition index, with fresh metadata; `high` is the last stable offset. Errors: topic-missing. */
  async ranges(topic: string): Promise<readonly OffsetRange[]> {
    return this.#cluster.attempt(`reading the offsets of ${topic}`, [topic], async (cluster) => {
      await cluster.refreshMetadata();
      const partitions = partitionsOf(cluster, topic);
      if (partitions.length === 0) throw unknownOffsets(topic);
      return fetchRanges(cluster, topic, partitions);
    });
  }

  /**
   * Requests only the leader of this partition: another partition may have no leader now.
   * Errors: topic-missing, topic-mismatch (no such partition).
   */
  range(topic: string, partition: number): Promise<OffsetRange> {
    return this.rangeAt(topic, partition, 0n);
  }

  /** A range that ends at or after `offset`, unless all attempts report an earlier end. */
  rangeAt(topic: string, partition: number, offset: bigint): Promise<OffsetRange> {
    const operation = `reading the offsets of ${topic}-${partition}`;
    let attempts = 0;
    return this.#cluster.attempt(operation, [topic], async (cluster) => {
      if (attempts > 0 || !partitionsOf(cluster, topic).includes(partition)) await cluster.refreshMetadata();
      attempts += 1;
      const partitions = partitionsOf(cluster, topic);
      if (partitions.length === 0) throw unknownOffsets(topic);
      if (!partitions.includes(partition)) {
        throw new HeadwaterError('topic-mismatch', `topic ${topic} has no partition ${partition}`);
      }
      const [range] = await fetchRanges(cluster, topic, [partition]);
      if (range === undefined) throw unknownOffsets(topic);
      if (range.high < offset && attempts < staleLeaderAttempts && hasOtherLeaders(cluster))
        throw endTooLow(topic, partition);
      return range;
    });
  }

  forget(topics: readonly string[]): Promise<void> {
    return this.#cluster.forget(topics);
  }

  /** Errors: log-offset-out-of-range, log-batch-corrupt, topic-missing, log-unavailable. */
  async *read({ topic, partition, from, to }: ReadOptions): AsyncIterable<readonly LogRecord[]> {
    const range = await this.rangeAt(topic, partition, to ?? 0n);
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

  async #fetch(position: PartitionPosition) {
    const { topic, partition } = position;
    return this.#cluster.attempt(`reading ${topic}-${partition}`, [topic], async (cluster) => {
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
}

/** Partition indexes, ascending. */
function partitionsOf(cluster: Cluster, topic: string): number[] {
  const known = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
  return known.sort((a, b) => a - b);
}

async function fetchRanges(
  cluster: Cluster,
  topic: string,
  indexes: readonly number[],
): Promise<OffsetRange[]> {
  const partitions = indexes.map((partition) => ({ partition }));
  const fetch = async (fromBeginning: boolean) => {
    const [response] = await cluster.fetchTopicsOffset([{ topic, fromBeginning, partitions }]);
    return new Map(response?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  };
  const [lows, highs] = [await fetch(true), await fetch(false)];
  return indexes.map((partition) => rangeOf(topic, lows.get(partition), highs.get(partition)));
}

/** A missing end has no default: 0 would be a valid start, or an end that is already reached. */
function rangeOf(topic: string, low: bigint | undefined, high: bigint | undefined): OffsetRange {
  if (low === undefined || high === undefined) throw unknownOffsets(topic);
  return { low, high };
}

function endTooLow(topic: string, partition: number): HeadwaterError {
  const message = `the leader of ${topic}-${partition} reports an end before a known offset`;
  return new HeadwaterError('log-unavailable', message);
}

function unknownOffsets(topic: string): HeadwaterError {
  return new HeadwaterError('log-unavailable', `Kafka returned no end offset for a partition of ${topic}`);
}
