/** Defects of unpatched kafkajs (docs/reference/kafka.md), tested on a real broker. */
import {
  copyTo,
  createTopic,
  eventually,
  numbered,
  produce,
  readAll,
  startPartitionGroup,
  texts,
  uniqueName,
} from '@headwater/testing';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Log, LogRecord } from '../api.ts';
import { createSilentLogger } from '../silent-logger.ts';
import { TopicTable } from './admin/topic-table.ts';
import { KafkaClient } from './client/client.ts';
import { type Admin, Kafka, type Producer } from './client/kafkajs.ts';
import { SharedCluster } from './client/shared-cluster.ts';
import { GroupOffsets } from './group/group-offsets.ts';
import { createKafkaLog } from './kafka-log.ts';
import { Producers } from './produce/producers.ts';
import type { TransactionalProducer } from './produce/transactional-producer.ts';
import { WriteState } from './produce/write-state.ts';

const logger = createSilentLogger();
let log: Log;
let client: KafkaClient;
let admin: Admin;

beforeAll(async () => {
  const options = { brokers: inject('brokers') };
  log = createKafkaLog(options, logger);
  client = new KafkaClient(options, logger);
  admin = client.admin();
  await admin.connect();
});

afterAll(async () => {
  await admin.disconnect();
  await log.close();
});

/** A transactional producer of kafkajs, as another client of the cluster. */
async function transactional(): Promise<Producer> {
  const kafka = new Kafka({ brokers: inject('brokers'), logLevel: 0 });
  const producer = kafka.producer({ transactionalId: uniqueName('tx') });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  return producer;
}

async function openTransactions(group: string, transactionalId: string): Promise<TransactionalProducer> {
  const topics = new TopicTable(async () => admin, logger);
  const kafka = { brokers: inject('brokers') };
  const producers = new Producers({ kafka, client, topics, writes: new WriteState() });
  const transactions = await producers.openTransactional({ transactionalId, group, partition: 0 });
  onTestFinished(async () => {
    await transactions.close();
    producers.close();
  });
  return transactions;
}

/** Three producers whose aborted transactions interleave with one another and with one that commits. */
async function interleave(topic: string): Promise<void> {
  const [first, second, third] = [await transactional(), await transactional(), await transactional()];
  const [a, b, c] = [await first.transaction(), await second.transaction(), await third.transaction()];
  const write = (transaction: typeof a, value: string) =>
    transaction.send({ topic, messages: [{ partition: 0, key: 'k', value }] });
  await write(a, 'aborted-a1');
  await write(b, 'aborted-b1');
  await write(c, 'kept-1');
  await write(a, 'aborted-a2');
  await b.abort();
  await write(c, 'kept-2');
  await write(a, 'aborted-a3');
  await a.abort();
  await c.commit();
}

describe('reading committed records', () => {
  it('omits aborted records when aborted transactions interleave', async () => {
    const topic = await createTopic(log, 1);
    await interleave(topic);
    await produce(log, [{ topic, key: 'k', value: Buffer.from('kept-3') }]);
    expect(texts(await readAll(log, topic))).toEqual(['kept-1', 'kept-2', 'kept-3']);
    const followed: LogRecord[] = [];
    const follower = await log.follow({
      topics: [topic],
      from: 'beginning',
      onRecords: (records) => void followed.push(...records),
    });
    await follower.caughtUp;
    await follower.close();
    expect(texts(followed)).toEqual(['kept-1', 'kept-2', 'kept-3']);
  });

  it('waits for the end of an open transaction and is caught up before it', async () => {
    const topic = await createTopic(log, 1);
    await produce(log, numbered(topic, 2));
    const open = await (await transactional()).transaction();
    await open.send({ topic, messages: [{ partition: 0, key: 'k', value: 'later' }] });
    const followed: LogRecord[] = [];
    const onRecords = (records: readonly LogRecord[]) => void followed.push(...records);
    const follower = await log.follow({ topics: [topic], from: 'beginning', onRecords });
    await follower.caughtUp;
    expect(texts(await readAll(log, topic))).toEqual(['value-0', 'value-1']);
    expect(texts(followed)).toEqual(['value-0', 'value-1']);
    await open.commit();
    await eventually(() => followed.length === 3);
    await follower.close();
  });

  it('reads past batches that contain only control records and aborted records', async () => {
    const topic = await createTopic(log, 1);
    const group = uniqueName('group');
    const producer = await transactional();
    for (let round = 0; round < 3; round += 1) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ partition: 0, key: 'k', value: 'aborted' }] });
      await transaction.abort();
    }
    const follower = await log.follow({ topics: [topic], from: 'beginning', onRecords: () => undefined });
    await follower.caughtUp;
    expect(follower.position(topic, 0)).toBe(6n);
    await follower.close();
    let idle = 0;
    const nothing = async () => ({ records: [], deadLetters: [] });
    await startPartitionGroup(log, { topics: [topic], group, idleAfterMs: 50 }, nothing, {
      idle: async () => {
        idle += 1;
        return null;
      },
    });
    await eventually(() => idle === 1);
    await eventually(async () => (await log.admin.committed(group, topic))[0] === 6n);
  });

  it.each(['gzip', 'snappy', 'lz4'] as const)(
    'reads records that another client compressed with %s',
    async (name) => {
      const compression = { gzip: 1, snappy: 2, lz4: 3 }[name];
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const producer = new Kafka({ brokers: inject('brokers'), logLevel: 0 }).producer();
      await producer.connect();
      onTestFinished(() => producer.disconnect());
      const messages = Array.from({ length: 50 }, (_, index) => ({
        key: 'k',
        value: `value-${index}`.repeat(20),
      }));
      await producer.send({ topic: input, messages, compression });
      await startPartitionGroup(log, { topics: [input], group: uniqueName('group') }, async (records) =>
        copyTo(output, records),
      );
      await eventually(async () => (await readAll(log, output)).length === 50);
      expect(texts(await readAll(log, output))).toEqual(messages.map(({ value }) => value));
    },
  );
});

describe('transactions', () => {
  it('commit offsets without records in immediate succession', async () => {
    const topic = await createTopic(log, 1);
    const group = uniqueName('group');
    const transactions = await openTransactions(group, uniqueName('tx'));
    for (let offset = 1n; offset <= 60n; offset += 1n)
      await transactions.commit([], new Map([[topic, offset]]));
    await eventually(async () => (await log.admin.committed(group, topic))[0] === 60n);
  });

  it('expose offsets that match the outputs after the former producer is fenced', async () => {
    const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
    const [group, id] = [uniqueName('group'), uniqueName('tx')];
    let transactions = await openTransactions(group, id);
    for (let round = 0; round < 15; round += 1) {
      const committed = (await log.admin.committed(group, input))[0] ?? 0n;
      const record = { topic: output, key: 'k', value: Buffer.from(String(committed)) };
      const racing = transactions.commit([record], new Map([[input, committed + 1n]])).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, round % 8));
      transactions = await openTransactions(group, id);
      const after = (await log.admin.committed(group, input))[0] ?? 0n;
      expect(texts(await readAll(log, output))).toHaveLength(Number(after));
      await racing;
      expect((await log.admin.committed(group, input))[0] ?? 0n).toBe(after);
    }
  });

  it('write nothing when one record is too large, and allow the next commit', async () => {
    const topic = await createTopic(log, 1, { 'max.message.bytes': '20000' });
    const group = uniqueName('group');
    const transactions = await openTransactions(group, uniqueName('tx'));
    const record = (bytes: number) => ({ topic, key: 'k', value: Buffer.alloc(bytes) });
    const positions = new Map([[topic, 0n]]);
    // The size check rejects clearly too large records; within the margin the broker decides.
    for (const bytes of [50_000, 20_100]) {
      await expect(transactions.commit([record(10), record(bytes)], positions)).rejects.toMatchObject({
        code: 'record-too-large',
        verdict: 'dead-letter',
      });
    }
    expect(await readAll(log, topic)).toEqual([]);
    await transactions.commit([record(19_000), record(19_000), record(5)], positions);
    await eventually(async () => (await readAll(log, topic)).length === 3);
    expect((await readAll(log, topic)).map(({ value }) => value?.length)).toEqual([19_000, 19_000, 5]);
  });

  it('do not fence their successor when a record is too large', async () => {
    const topic = await createTopic(log, 1, { 'max.message.bytes': '20000' });
    const [group, id] = [uniqueName('group'), uniqueName('tx')];
    const former = await openTransactions(group, id);
    const successor = await openTransactions(group, id);
    const tooLarge = { topic, key: 'k', value: Buffer.alloc(20_100) };
    await expect(former.commit([tooLarge], new Map())).rejects.toMatchObject({ verdict: 'retry' });
    await successor.commit(numbered(topic, 1), new Map([[topic, 1n]]));
    await eventually(async () => (await readAll(log, topic)).length === 1);
  });

  it('report log-fenced to the fenced producer', async () => {
    const topic = await createTopic(log, 1);
    const [group, id] = [uniqueName('group'), uniqueName('tx')];
    const former = await openTransactions(group, id);
    await openTransactions(group, id);
    await expect(former.commit(numbered(topic, 1), new Map([[topic, 1n]]))).rejects.toMatchObject({
      code: 'log-fenced',
    });
    expect(await readAll(log, topic)).toEqual([]);
  });
});

/** Commits offsets of the first partitions, and waits until they are visible. */
async function commitOffsets(group: string, topic: string, offsets: readonly number[]): Promise<void> {
  const transaction = await (await transactional()).transaction();
  const partitions = offsets.map((offset, partition) => ({ partition, offset: String(offset) }));
  await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions }] });
  await transaction.commit();
  await eventually(async () =>
    (await log.admin.committed(group, topic)).some((offset) => offset !== undefined),
  );
}

describe('offsets of a group', () => {
  it('are complete while other topics are requested at the same time', async () => {
    const [input, other] = [await createTopic(log, 4), await createTopic(log, 2)];
    const group = uniqueName('group');
    await commitOffsets(group, input, [4, 5, 6, 7]);
    const askForOther = async (afterMs: number) => {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await log.admin.partitions(other);
    };
    for (let round = 0; round < 100; round += 1) {
      const [committed] = await Promise.all([
        log.admin.committed(group, input),
        ...[0, 1, 2, 3].map((afterMs) => askForOther(afterMs)),
      ]);
      expect(committed).toEqual([4n, 5n, 6n, 7n]);
    }
  });

  it('are settled when the pending transaction ends, without waiting for other partitions', async () => {
    const topic = await createTopic(log, 2);
    const group = uniqueName('group');
    const cluster = new SharedCluster(() => client.cluster());
    onTestFinished(() => cluster.close());
    const offsets = new GroupOffsets(cluster);
    await commitOffsets(group, topic, [3]);
    const transaction = await (await transactional()).transaction();
    const moved = [{ topic, partitions: [{ partition: 0, offset: '9' }] }];
    await transaction.sendOffsets({ consumerGroupId: group, topics: moved });
    expect(await offsets.latest(group, topic, [0, 1])).toEqual([3n, undefined]);
    expect(await offsets.settled(group, topic, 1)).toBeUndefined();
    let isSettled = false;
    const settled = offsets.settled(group, topic, 0).finally(() => {
      isSettled = true;
    });
    await offsets.latest(group, topic, [0, 1]);
    expect(isSettled).toBe(false);
    await transaction.commit();
    expect(await settled).toBe(9n);
  });
});

describe('positions', () => {
  it('out of the log stop the partition group, and the committed offset stays', async () => {
    const topic = await createTopic(log, 1);
    const group = uniqueName('group');
    await produce(log, numbered(topic, 5));
    await commitOffsets(group, topic, [77]);
    const partitionGroup = await startPartitionGroup(log, { topics: [topic], group }, async (records) =>
      copyTo(topic, records),
    );
    await expect(partitionGroup.stopped).rejects.toMatchObject({
      code: 'log-offset-out-of-range',
      verdict: 'stop',
    });
    await expect(partitionGroup.ready).rejects.toMatchObject({ code: 'log-offset-out-of-range' });
    expect(await log.admin.committed(group, topic)).toEqual([77n]);
  });

  it('that expired before they were read stop the partition group', async () => {
    const topic = await createTopic(log, 1);
    const group = uniqueName('group');
    await produce(log, numbered(topic, 5));
    await commitOffsets(group, topic, [2]);
    await log.admin.deleteRecords(topic, new Map([[0, 4n]]));
    const partitionGroup = await startPartitionGroup(log, { topics: [topic], group }, async (records) =>
      copyTo(topic, records),
    );
    await expect(partitionGroup.stopped).rejects.toThrow(/offset 2 of .* is not in the log.*--reset-offsets/);
    expect(await log.admin.committed(group, topic)).toEqual([2n]);
  });

  it('start at the earliest record for a group without committed offsets', async () => {
    const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
    await produce(log, numbered(input, 5));
    await admin.fetchTopicOffsets(input);
    await admin.deleteTopicRecords({ topic: input, partitions: [{ partition: 0, offset: '3' }] });
    await startPartitionGroup(log, { topics: [input], group: uniqueName('group') }, async (records) =>
      copyTo(output, records),
    );
    await eventually(async () => (await readAll(log, output)).length === 2);
    expect(texts(await readAll(log, output))).toEqual(['value-3', 'value-4']);
  });
});

describe('membership', () => {
  it('survives processing and retries that take longer than the session', { timeout: 60_000 }, async () => {
    const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
    await produce(log, numbered(input, 1));
    const assignments: number[][] = [];
    await startPartitionGroup(
      log,
      {
        topics: [input],
        group: uniqueName('group'),
        sessionTimeoutMs: 2_000,
        observer: { assigned: (partitionGroup) => void assignments.push([...partitionGroup]) },
      },
      async (records, signal) => {
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        expect(signal.aborted).toBe(false);
        return copyTo(output, records);
      },
    );
    await eventually(async () => (await readAll(log, output)).length === 1);
    expect(assignments).toEqual([[0]]);
  });
});
