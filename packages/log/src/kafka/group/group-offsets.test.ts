import { describe, expect, it } from 'vitest';
import { type Broker, type Cluster, createErrorFromCode, type ProtocolRequest } from '../client/kafkajs.ts';
import { SharedCluster } from '../client/shared-cluster.ts';
import { PartitionReader } from '../fetch/partition-reader.ts';
import { GroupOffsets } from './group-offsets.ts';

const unstable = 88;
const nothing = async () => undefined;

type Returned = readonly { readonly partition: number; readonly offset: number; readonly error?: number }[];

/** A broker's response of version 7 for topic `t`. */
function responseOf(returned: Returned, error = 0): Buffer {
  const partitions = returned.map(({ partition, offset, error: code = 0 }) => {
    const bytes = Buffer.alloc(20);
    bytes.writeInt32BE(partition, 0);
    bytes.writeBigInt64BE(BigInt(offset), 4);
    bytes.writeInt32BE(-1, 12);
    // No metadata, the error, no tagged fields.
    bytes.writeInt16BE(code, 17);
    return bytes;
  });
  const topic = Buffer.concat([Buffer.from([2, 116, returned.length + 1]), ...partitions, Buffer.from([0])]);
  const end = Buffer.from([error >> 8, error & 0xff, 0]);
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 2]), topic, end]);
}

/** Offsets of a group whose coordinator returns these responses in turn. */
function offsetsFrom(responses: Buffer[], maxVersion = 10): GroupOffsets {
  const connectionPool = {
    send: async <T>({ response }: ProtocolRequest<T>) => {
      const next = responses.shift();
      if (next === undefined) throw new Error('unexpected request');
      return response.parse(await response.decode(next));
    },
  };
  return new GroupOffsets(clusterWith({ versions: { 9: { maxVersion } }, connectionPool }));
}

function clusterWith(broker: Partial<Broker>, more: Partial<Cluster> = {}): SharedCluster {
  const cluster = {
    connect: nothing,
    disconnect: nothing,
    addMultipleTargetTopics: nothing,
    refreshMetadata: nothing,
    refreshMetadataIfNecessary: nothing,
    findGroupCoordinator: async () => broker,
    ...more,
  };
  return new SharedCluster(() => cluster as unknown as Cluster);
}

describe('offsets of a group', () => {
  it('are returned in the requested order, and undefined where there is none', async () => {
    const returned = [
      { partition: 0, offset: -1 },
      { partition: 2, offset: 5_000_000_000 },
      { partition: 1, offset: 0 },
    ];
    const offsets = offsetsFrom([responseOf(returned)]);
    expect(await offsets.latest('g', 't', [2, 1, 0])).toEqual([5_000_000_000n, 0n, undefined]);
  });

  it('are requested again when a response omits a partition', async () => {
    const offsets = offsetsFrom([responseOf([]), responseOf([{ partition: 1, offset: 8 }])]);
    expect(await offsets.settled('g', 't', 1)).toBe(8n);
  });

  it('are requested again while they are not stable', async () => {
    const pending = responseOf([{ partition: 1, offset: -1, error: unstable }]);
    const offsets = offsetsFrom([pending, responseOf([{ partition: 1, offset: 8 }])]);
    expect(await offsets.settled('g', 't', 1)).toBe(8n);
  });

  it('are requested again after an error of the whole response', async () => {
    const moved = createErrorFromCode(16);
    expect(moved.type).toBe('NOT_COORDINATOR_FOR_GROUP');
    const offsets = offsetsFrom([responseOf([], 16), responseOf([{ partition: 0, offset: 3 }])]);
    expect(await offsets.latest('g', 't', [0])).toEqual([3n]);
  });

  it('are not requested from brokers that cannot report stable offsets', async () => {
    await expect(offsetsFrom([], 6).settled('g', 't', 0)).rejects.toMatchObject({
      code: 'prerequisite-missing',
    });
  });
});

describe('ends of partitions', () => {
  it('are requested again while partitions are unknown or one is missing', async () => {
    const known = [[], [0, 1], [0, 1]];
    const returned = [[0], [0, 1], [0, 1], [0, 1]];
    const cluster = clusterWith(
      {},
      {
        findTopicPartitionMetadata: () => (known.shift() ?? []).map((partitionId) => ({ partitionId })),
        fetchTopicsOffset: async () => {
          const partitions = (returned.shift() ?? []).map((partition) => ({ partition, offset: '7' }));
          return [{ topic: 't', partitions }];
        },
      },
    );
    expect(await new PartitionReader(cluster).ranges('t')).toEqual([
      { low: 7n, high: 7n },
      { low: 7n, high: 7n },
    ]);
    expect(returned).toEqual([]);
  });
});
