/** Reads and administration when a leader or a coordinator moves between two attempts. */
import type { HeadwaterError } from '@headwater/errors';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KafkaAdmin } from './admin/kafka-admin.ts';
import type { TopicTable } from './admin/topic-table.ts';
import { type Admin, type Cluster, createErrorFromCode, type FetchRequest } from './client/kafkajs.ts';
import type { RawRecord } from './client/raw-record.ts';
import { SharedCluster } from './client/shared-cluster.ts';
import { FetchLoop } from './fetch/fetch-loop.ts';
import { PartitionReader } from './fetch/partition-reader.ts';
import { GroupOffsets } from './group/group-offsets.ts';

const unknownTopic = 3;
const notLeader = 6;
const notCoordinator = 16;
const invalidReplication = 38;
const exists = 36;
const noted = <T>(seen: T[], value: T): void => void seen.push(value);

interface ScriptedCluster extends Cluster {
  /** Of t-0. */
  leader: string;
  readonly targetTopics: Set<string>;
  readonly refreshed: () => number;
}

/** Brokers 1 and 2 with scripted responses. `moves` is called at each metadata request. */
function scripted(own: Partial<Cluster>, moves: (cluster: ScriptedCluster) => void = () => undefined) {
  let refreshed = 0;
  const cluster = {
    leader: '1',
    targetTopics: new Set<string>(),
    refreshed: () => refreshed,
    connect: async () => undefined,
    disconnect: async () => undefined,
    addMultipleTargetTopics: async (topics: readonly string[]) => {
      for (const topic of topics) cluster.targetTopics.add(topic);
    },
    refreshMetadata: async () => {
      refreshed += 1;
      moves(cluster);
    },
    refreshMetadataIfNecessary: async () => undefined,
    removeBroker: () => undefined,
    getNodeIds: () => ['1', '2'],
    findTopicPartitionMetadata: () => [{ partitionId: 0 }, { partitionId: 1 }],
    findLeaderForPartitions: (_topic: string, partitions: readonly number[]) => ({
      [cluster.leader]: partitions,
    }),
    ...own,
  } as unknown as ScriptedCluster;
  return cluster;
}

const sharedOf = (cluster: Cluster) => new SharedCluster(() => cluster);

/** A cluster whose partition ends depend on the current leader. */
function ending(endOf: (leader: string) => number, moves?: (cluster: ScriptedCluster) => void) {
  const asked: number[][] = [];
  const cluster: ScriptedCluster = scripted(
    {
      fetchTopicsOffset: async ([topic]) => {
        noted(asked, topic?.partitions.map(({ partition }) => partition) ?? []);
        const offset = topic?.fromBeginning ? 0 : endOf(cluster.leader);
        const partitions =
          topic?.partitions.map(({ partition }) => ({ partition, offset: String(offset) })) ?? [];
        return [{ topic: 't', partitions }];
      },
    },
    moves,
  );
  return { cluster, asked };
}

const moveTo = (leader: string) => (cluster: ScriptedCluster) => {
  cluster.leader = leader;
};

describe('ends of partitions', () => {
  it('are requested from the new leader when the former one rejects', async () => {
    const { cluster } = ending(
      (leader) => {
        if (leader === '1') throw createErrorFromCode(notLeader);
        return 7;
      },
      (moving) => {
        if (moving.refreshed() > 1) moving.leader = '2';
      },
    );
    expect(await new PartitionReader(sharedOf(cluster)).ranges('t')).toEqual([
      { low: 0n, high: 7n },
      { low: 0n, high: 7n },
    ]);
  });

  it('are requested from one leader for one partition', async () => {
    const { cluster, asked } = ending(() => 7);
    await new PartitionReader(sharedOf(cluster)).range('t', 1);
    expect(asked).toEqual([[1], [1]]);
  });

  it('are rejected while they are before a known offset', async () => {
    const { cluster } = ending((leader) => (leader === '1' ? 3 : 9), moveTo('2'));
    expect(await new PartitionReader(sharedOf(cluster)).rangeAt('t', 0, 8n)).toEqual({ low: 0n, high: 9n });
  });

  it('are accepted immediately where no other broker can lead', async () => {
    const { cluster } = ending(() => 3);
    Object.assign(cluster, { getNodeIds: () => ['1'] });
    expect(await new PartitionReader(sharedOf(cluster)).rangeAt('t', 0, 8n)).toEqual({ low: 0n, high: 3n });
    expect(cluster.refreshed()).toBe(0);
  });
});

it('ignores missing topics that another part of the process had requested', async () => {
  const cluster: ScriptedCluster = scripted({
    refreshMetadataIfNecessary: async () => {
      if (cluster.targetTopics.has('gone')) throw createErrorFromCode(unknownTopic);
    },
  });
  cluster.targetTopics.add('gone');
  const shared = sharedOf(cluster);
  expect(await shared.attempt('asking', ['t'], async () => 'done')).toBe('done');
  await shared.attempt('asking', ['t'], async () => cluster.targetTopics.add('gone'));
  await expect(shared.attempt('asking', ['gone'], async () => 'done')).rejects.toMatchObject({
    code: 'topic-missing',
  });
});

function recordAt(offset: bigint): RawRecord {
  return {
    offset: String(offset),
    timestamp: '0',
    key: null,
    value: null,
    headers: {},
    isControlRecord: false,
    batchContext: { producerId: '-1', inTransaction: false },
  };
}

const outOfRange = () =>
  Object.assign(new Error('out of range'), { name: 'KafkaJSOffsetOutOfRange', topic: 't', partition: 0 });

/** A cluster whose brokers respond to fetches, by node id. */
function fetching(
  answer: (broker: string, partition: number) => Promise<RawRecord[]>,
  moves?: typeof moveNone,
) {
  return scripted(
    {
      findBroker: async ({ nodeId }) => ({
        versions: {},
        connectionPool: { send: () => Promise.reject(new Error('unexpected request')) },
        fetch: async ({ topics }: FetchRequest) => ({
          responses: await Promise.all(
            topics.map(async ({ topic, partitions: [asked] }) => ({
              topicName: topic,
              partitions: [
                {
                  partition: asked?.partition ?? -1,
                  highWatermark: '100',
                  lastStableOffset: '100',
                  abortedTransactions: null,
                  messages: (await answer(nodeId, asked?.partition ?? -1)).map((record) => ({
                    ...record,
                    offset: asked?.fetchOffset ?? '',
                  })),
                },
              ],
            })),
          ),
        }),
      }),
    },
    moves,
  );
}
const moveNone = (_: ScriptedCluster): void => undefined;
const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 2));

function follow(cluster: Cluster, partitions: number, handle: (text: string) => Promise<void> | void) {
  const failures: HeadwaterError[] = [];
  const positions = Array.from({ length: partitions }, (_, partition) => ({
    topic: 't',
    partition,
    offset: 5n,
  }));
  const loop = new FetchLoop(cluster, positions, {
    handle: (_topic, partition, { from }) => handle(`${partition}:${from}`),
    failed: (error) => noted(failures, error),
  });
  onTestFinished(() => loop.close());
  return failures;
}

describe('a fetch loop', () => {
  it('does not stop at a position that a deposed leader reports as out of range', async () => {
    const seen: string[] = [];
    const cluster = fetching(async (broker) => {
      await soon();
      if (broker === '1') throw outOfRange();
      return [recordAt(0n)];
    }, moveTo('2'));
    const failures = follow(cluster, 1, (text) => noted(seen, text));
    await vi.waitFor(() => expect(seen.slice(0, 2)).toEqual(['0:5', '0:6']));
    expect(failures).toEqual([]);
  });

  it('starts no round before the handlers of the former one are done', async () => {
    let [open, most] = [0, 0];
    const seen: string[] = [];
    let isBroken = false;
    const cluster = fetching(async (broker) => {
      await soon();
      if (broker === '2' && !isBroken && open > 0) {
        isBroken = true;
        throw createErrorFromCode(notLeader);
      }
      return broker === '2' ? [] : [recordAt(0n)];
    });
    Object.assign(cluster, {
      findLeaderForPartitions: (_: string, [partition = 0]: readonly number[]) => ({
        [String(partition + 1)]: [partition],
      }),
    });
    follow(cluster, 2, async (text) => {
      open += 1;
      most = Math.max(most, open);
      // Longer than the backoff of the loop after a failure.
      await new Promise((resolve) => setTimeout(resolve, 120));
      noted(seen, text);
      open -= 1;
    });
    await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(4), { timeout: 5_000 });
    expect(isBroken).toBe(true);
    expect(most).toBe(1);
    expect(seen.slice(0, 4)).toEqual(['0:5', '0:6', '0:7', '0:8']);
  });
});

describe('offsets of a group', () => {
  it('are set at the new coordinator when the former one rejects', async () => {
    const coordinators: string[] = [];
    let current = 'old';
    const cluster = scripted({
      findGroupCoordinator: (async () => {
        const name = current;
        return {
          offsetCommit: async () => {
            noted(coordinators, name);
            if (name === 'new') return;
            current = 'new';
            throw createErrorFromCode(notCoordinator);
          },
        };
      }) as unknown as Cluster['findGroupCoordinator'],
    });
    await new GroupOffsets(sharedOf(cluster)).commit('g', 't', new Map([[0, 5n]]));
    expect(coordinators).toEqual(['old', 'new']);
  });

  it('are not set while the group has members', async () => {
    const cluster = scripted({
      findGroupCoordinator: (async () => ({
        offsetCommit: async () => {
          throw createErrorFromCode(25);
        },
      })) as unknown as Cluster['findGroupCoordinator'],
    });
    const commit = new GroupOffsets(sharedOf(cluster)).commit('g', 't', new Map([[0, 5n]]));
    await expect(commit).rejects.toMatchObject({ code: 'request-invalid' });
  });
});

/** An admin client; topics exist while they are in `topics`. */
function adminOf(own: Partial<Admin>, topics = new Map<string, number>(), ends = { low: 0n, high: 9n }) {
  const table = { partitions: async (topic: string) => topics.get(topic), deleted: () => undefined };
  const reader = { ranges: async () => [ends, ends], forget: async () => undefined };
  return new KafkaAdmin(
    async () => own as Admin,
    table as unknown as TopicTable,
    reader as unknown as PartitionReader,
    undefined as unknown as GroupOffsets,
  );
}

const closed = () => Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' });

describe('an admin client', () => {
  it('treats a topic as deleted when the response was lost', async () => {
    const topics = new Map([['t', 1]]);
    const calls: string[][] = [];
    const admin = adminOf(
      {
        deleteTopics: async ({ topics: names }) => {
          noted(calls, names);
          topics.delete('t');
          throw closed();
        },
      },
      topics,
    );
    await admin.deleteTopics(['t', 'never']);
    expect(calls).toEqual([['t']]);
  });

  it('retries topic creation after a lost controller and accepts existing topics', async () => {
    const topics = new Map<string, number>();
    const answers = [closed(), Object.assign(new Error('all'), { errors: [createErrorFromCode(exists)] })];
    const admin = adminOf(
      {
        createTopics: async () => {
          topics.set('t', 1);
          throw answers.shift();
        },
      },
      topics,
    );
    await admin.ensureTopics([{ name: 't', partitions: 1, settings: {} }], { create: true });
    expect(answers).toEqual([]);
  });

  it('reports a topic that cannot be created among existing ones', async () => {
    const errors = [createErrorFromCode(exists), createErrorFromCode(invalidReplication)];
    const admin = adminOf({
      createTopics: () => Promise.reject(Object.assign(new Error('some'), { errors })),
    });
    const specs = ['a', 'b'].map((name) => ({ name, partitions: 1, settings: {} }));
    const created = admin.ensureTopics(specs, { create: true });
    await expect(created).rejects.toThrow(/creating a, b failed: Replication-factor is invalid/);
  }, 90_000);

  it('looks up leaders again when records could not be deleted and omits deleted ones', async () => {
    const ends = { low: 0n, high: 9n };
    const calls: string[] = [];
    const admin = adminOf(
      {
        deleteTopicRecords: async ({ partitions }) => {
          noted(calls, partitions.map(({ partition, offset }) => `${partition}:${offset}`).join());
          if (calls.length > 1) return;
          Object.assign(ends, { low: 4n });
          throw Object.assign(new Error('one partition failed'), { name: 'KafkaJSDeleteTopicRecordsError' });
        },
      },
      new Map(),
      ends,
    );
    await admin.deleteRecords(
      't',
      new Map([
        [0, 4n],
        [1, 6n],
      ]),
    );
    expect(calls).toEqual(['0:4,1:6', '1:6']);
  });

  it('deletes groups at the new coordinator and treats unknown ones as deleted', async () => {
    const failing = (...codes: number[]) =>
      Object.assign(new Error('groups'), { groups: codes.map((errorCode) => ({ errorCode })) });
    const answers = [failing(notCoordinator, 69), failing(69)];
    const admin = adminOf({ deleteGroups: () => Promise.reject(answers.shift()) });
    await admin.deleteGroups(['a', 'b']);
    expect(answers).toEqual([]);
    const busy = adminOf({ deleteGroups: () => Promise.reject(failing(68)) });
    await expect(busy.deleteGroups(['a'])).rejects.toMatchObject({ code: 'log-unavailable' });
  });

  it('requests group members again when the coordinator has moved', async () => {
    const answers: unknown[] = [createErrorFromCode(notCoordinator)];
    const admin = adminOf({
      describeGroups: async () => {
        const failure = answers.shift();
        if (failure !== undefined) throw failure;
        return { groups: [{ state: 'Empty', members: [] }] } as unknown as Awaited<
          ReturnType<Admin['describeGroups']>
        >;
      },
    });
    expect(await admin.describeGroup('g')).toEqual({ isStable: true, members: [] });
    expect(answers).toEqual([]);
  });
});
