import type { HeadwaterError } from '@headwater/errors';
import { eventually } from '@headwater/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Cluster, FetchedPartition, FetchRequest } from '../client/kafkajs.ts';
import { FetchLoop } from './fetch-loop.ts';
import { CorruptBatchError } from './record-batches.ts';

type Answer = (topic: string, partition: number, offset: bigint) => FetchedPartition | Error;

/** A cluster of one broker with scripted responses. */
function clusterOf(answer: Answer): Cluster & { refreshed: number } {
  const fetch = async ({ topics }: FetchRequest) => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const responses = topics.map(({ topic, partitions: [asked] }) => {
      const found = answer(topic, asked?.partition ?? -1, BigInt(asked?.fetchOffset ?? -1));
      if (found instanceof Error) throw found;
      return { topicName: topic, partitions: [found] };
    });
    return { responses };
  };
  const nothing = async () => undefined;
  const broker = {
    fetch,
    versions: {},
    connectionPool: { send: () => Promise.reject(new Error('unasked')) },
  };
  const cluster = {
    refreshed: 0,
    connect: nothing,
    disconnect: nothing,
    addMultipleTargetTopics: nothing,
    refreshMetadata: async () => {
      cluster.refreshed += 1;
    },
    refreshMetadataIfNecessary: nothing,
    removeBroker: () => undefined,
    findTopicPartitionMetadata: () => [],
    findLeaderForPartitions: (_topic: string, partitions: readonly number[]) => ({ '1': partitions }),
    findBroker: async () => broker,
    findGroupCoordinator: async () => broker,
    fetchTopicsOffset: async () => [],
  };
  return cluster;
}

function oneRecord(partition: number, offset: bigint): FetchedPartition {
  const message = {
    offset: String(offset),
    timestamp: '0',
    key: null,
    value: null,
    headers: {},
    isControlRecord: false,
    batchContext: { producerId: '-1', inTransaction: false },
  };
  return {
    partition,
    highWatermark: '100',
    lastStableOffset: '100',
    abortedTransactions: null,
    messages: [message],
  };
}

function follow(cluster: Cluster, partitions: number) {
  const seen: string[] = [];
  const failures: HeadwaterError[] = [];
  const positions = Array.from({ length: partitions }, (_, partition) => ({
    topic: 't',
    partition,
    offset: 5n,
  }));
  const loop = new FetchLoop(cluster, positions, {
    handle: (_topic, partition, { from, next }) => void seen.push(`${partition}:${from}-${next}`),
    failed: (error) => void failures.push(error),
  });
  onTestFinished(() => loop.close());
  return { seen, failures, loop };
}

describe('a fetch loop', () => {
  it('delivers contiguous chunks, and none after it was closed', async () => {
    const { seen, loop } = follow(
      clusterOf((_topic, partition, offset) => oneRecord(partition, offset)),
      1,
    );
    await eventually(() => seen.length >= 3);
    await loop.close();
    const count = seen.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen.slice(0, 3)).toEqual(['0:5-6', '0:6-7', '0:7-8']);
    expect(seen).toHaveLength(count);
  });

  it('does not fetch while it is paused', async () => {
    const { seen, loop } = follow(
      clusterOf((_topic, partition, offset) => oneRecord(partition, offset)),
      1,
    );
    await eventually(() => seen.length > 0);
    loop.pause();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const count = seen.length;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(seen).toHaveLength(count);
    loop.resume();
    await eventually(() => seen.length > count);
  });

  it('stops with a remedy at an offset that is not in the log', async () => {
    const gone = Object.assign(new Error('out of range'), {
      name: 'KafkaJSOffsetOutOfRange',
      topic: 't',
      partition: 0,
    });
    const { failures } = follow(
      clusterOf(() => gone),
      1,
    );
    await eventually(() => failures.length > 0);
    expect(failures[0]).toMatchObject({ code: 'log-offset-out-of-range', verdict: 'stop' });
    expect(failures[0]?.message).toContain('offset 5 of t-0 is not in the log');
  });

  it('finds the partition with the corrupt batch among several in one fetch', async () => {
    const { failures } = follow(
      clusterOf((_topic, partition, offset) =>
        partition === 2 ? new CorruptBatchError(5n, 0, 'checksum mismatch') : oneRecord(partition, offset),
      ),
      3,
    );
    await eventually(() => failures.length > 0);
    expect(failures[0]).toMatchObject({ code: 'log-batch-corrupt', verdict: 'stop' });
    expect(failures[0]?.context).toEqual({ topic: 't', partition: 2, offset: '5' });
  });

  it('continues at its position after a transient failure', async () => {
    let calls = 0;
    const cluster = clusterOf((_topic, partition, offset) => {
      calls += 1;
      if (calls === 2) return Object.assign(new Error('moved'), { type: 'NOT_LEADER_FOR_PARTITION' });
      if (calls === 3) return Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' });
      return oneRecord(partition, offset);
    });
    const { seen, failures } = follow(cluster, 1);
    await eventually(() => seen.length >= 2);
    expect(seen.slice(0, 2)).toEqual(['0:5-6', '0:6-7']);
    expect(failures).toEqual([]);
    expect(cluster.refreshed).toBeGreaterThan(0);
  });
});
