/** Another tool adds partitions to a topic in use. */
import { createTopic, numbered, produce, readAll, uniqueName } from '@headwater/testing';
import { expect, inject, it, onTestFinished } from 'vitest';
import type { Log } from '../api.ts';
import { createSilentLogger } from '../silent-logger.ts';
import { KafkaClient } from './client/client.ts';
import { createKafkaLog } from './kafka-log.ts';

async function openLog(): Promise<Log> {
  const log = createKafkaLog({ brokers: inject('brokers'), partitionCheckMs: 100 }, createSilentLogger());
  onTestFinished(() => log.close());
  return log;
}

async function addPartitions(topic: string, count: number): Promise<void> {
  const admin = new KafkaClient({ brokers: inject('brokers') }, createSilentLogger()).admin();
  await admin.connect();
  try {
    await admin.createPartitions({ topicPartitions: [{ topic, count }] });
  } finally {
    await admin.disconnect();
  }
}

const refusal = { code: 'topic-mismatch', verdict: 'stop' };

it('stops group members that read the topic or write to it by partition', async () => {
  const log = await openLog();
  const [read, written] = [await createTopic(log, 2), await createTopic(log, 2)];
  const open = (topics: string[], dependsOn: string[]) => {
    const group = uniqueName('group');
    return log.openPartitionGroup({
      group,
      topics,
      dependsOn,
      transactionalId: (partition) => `${group}-${partition}`,
      deadLetterTopic: (topic) => `${topic}-dlt`,
      open: async () => ({
        process: async () => ({ records: [], deadLetters: [] }),
        close: () => undefined,
      }),
    });
  };
  const [reader, writer, other] = [
    await open([read], []),
    await open([written], [read]),
    await open([written], []),
  ];
  await Promise.all([reader, writer, other].map(({ ready }) => ready));
  await addPartitions(read, 4);
  const context = { topic: read, before: 2, now: 4 };
  await expect(reader.stopped).rejects.toMatchObject({ ...refusal, context });
  await expect(writer.stopped).rejects.toMatchObject({ ...refusal, context });
  expect(other.assigned()).toEqual([0, 1]);
  await expect(open([read, written], [])).rejects.toMatchObject(refusal);
});

it('stops a follower', async () => {
  const log = await openLog();
  const topic = await createTopic(log, 1);
  const follower = await log.follow({ topics: [topic], from: 'beginning', onRecords: () => undefined });
  await follower.caughtUp;
  await addPartitions(topic, 2);
  await expect(follower.stopped).rejects.toMatchObject({ ...refusal, context: { topic, before: 1, now: 2 } });
});

it('keeps keys in their partitions for the life of a producer', async () => {
  const log = await openLog();
  const topic = await createTopic(log, 2);
  await produce(log, numbered(topic, 20));
  await addPartitions(topic, 4);
  await expect.poll(() => log.admin.partitions(topic)).toBe(4);
  await produce(log, numbered(topic, 20));
  const records = await readAll(log, topic);
  const places = new Map<string, Set<number>>();
  for (const { key, partition } of records) {
    places.set(String(key), (places.get(String(key)) ?? new Set()).add(partition));
  }
  expect(records).toHaveLength(40);
  expect([...places.values()].filter(({ size }) => size > 1)).toEqual([]);
});
