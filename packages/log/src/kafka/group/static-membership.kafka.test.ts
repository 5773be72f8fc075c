/** Members that keep their name in the group across restarts. */
import { createTopic, eventually, numbered, produce, readAll, uniqueName } from '@headwater/testing';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { PartitionGroup } from '../../api.ts';
import { createSilentLogger } from '../../silent-logger.ts';
import { createKafkaLog } from '../kafka-log.ts';

interface Names {
  readonly group: string;
  readonly input: string;
  readonly output: string;
}

async function setUp() {
  const log = createKafkaLog({ brokers: inject('brokers') }, createSilentLogger());
  onTestFinished(() => log.close());
  const names = {
    group: uniqueName('group'),
    input: await createTopic(log, 4),
    output: await createTopic(log, 1),
  };
  return { log, names };
}

/** A member with connections of its own, as a process has them. */
async function startMember(
  { group, input, output }: Names,
  groupInstanceId: string,
  assigned: string[] = [],
): Promise<PartitionGroup> {
  const log = createKafkaLog({ brokers: inject('brokers'), groupInstanceId }, createSilentLogger());
  onTestFinished(() => log.close());
  return log.openPartitionGroup({
    group,
    topics: [input],
    sessionTimeoutMs: 10_000,
    transactionalId: (partition) => `${group}-${partition}`,
    deadLetterTopic: (topic) => `${topic}-dlt`,
    observer: { assigned: (partitions) => void assigned.push(partitions.join()) },
    open: async () => ({
      process: async (records) => ({
        records: records.map((cause) => ({ topic: output, key: cause.key, value: cause.value, cause })),
        deadLetters: [],
      }),
      close: () => undefined,
    }),
  });
}

describe('static membership', { timeout: 60_000 }, () => {
  it('gives a restarted member its partitions back, without a rebalance of the others', async () => {
    const { log, names } = await setUp();
    const assignedToOther: string[] = [];
    const first = await startMember(names, 'pod-0');
    await first.ready;
    const other = await startMember(names, 'pod-1', assignedToOther);
    await eventually(() => first.assigned().length === 2 && other.assigned().length === 2);
    const before = first.assigned();
    const assignments = [...assignedToOther];
    for (let restart = 0; restart < 2; restart += 1) {
      const stopped = restart === 0 ? first : await startMember(names, 'pod-0');
      await stopped.ready;
      expect(stopped.assigned()).toEqual(before);
      await stopped.close();
    }
    const again = await startMember(names, 'pod-0');
    await again.ready;
    expect(again.assigned()).toEqual(before);
    await produce(log, numbered(names.input, 100));
    await eventually(async () => (await readAll(log, names.output)).length === 100);
    expect(assignedToOther).toEqual(assignments);
    expect(other.assigned().length).toBe(2);
  });

  it('stops a member whose name another process has taken', async () => {
    const { log, names } = await setUp();
    const first = await startMember(names, 'pod-0');
    await first.ready;
    const second = await startMember(names, 'pod-0');
    await second.ready;
    await expect(first.stopped).rejects.toMatchObject({
      code: 'log-instance-fenced',
      verdict: 'stop',
      message: expect.stringContaining('GROUP_INSTANCE_ID'),
    });
    await produce(log, numbered(names.input, 20));
    await eventually(async () => (await readAll(log, names.output)).length === 20);
    expect(second.assigned()).toEqual([0, 1, 2, 3]);
  });
});
