import { expect, it } from 'vitest';
import { createMemoryLog } from '../memory/log.ts';
import { partitionFor } from './murmur2.ts';
import { checkPlacement, formerPartitions, type PlacedKey } from './placement.ts';

const keys = (count: number) => Array.from({ length: count }, (_, index) => `image-${index}`);
const placedFor = (partitions: number, count: number): PlacedKey[] =>
  keys(count).map((key) => ({ key, partition: partitionFor(key, partitions) }));

it('finds the partition count that keys were written for', () => {
  for (const [before, now] of [
    [2, 4],
    [6, 7],
    [1, 3],
    [6, 12],
  ] as const) {
    const later = placedFor(now, 40);
    expect(formerPartitions([...placedFor(before, 40), ...later], now)).toBe(before);
    expect(formerPartitions(later, now)).toBeUndefined();
  }
});

it('ignores keys of another partitioner', () => {
  const spread = keys(60).map((key, index) => ({ key, partition: index % 4 }));
  expect(formerPartitions(spread, 4)).toBeUndefined();
});

it('rejects a topic with added partitions and ignores records of other writers', async () => {
  const log = createMemoryLog();
  await log.admin.ensureTopics([{ name: 'vectors', partitions: 4, settings: {} }], { create: true });
  const producer = await log.openProducer();
  await producer.send(
    keys(30).map((key) => ({
      topic: 'vectors',
      key,
      partition: partitionFor(key, 2),
      value: Buffer.from('v'),
    })),
  );
  const check = (isOurs: boolean) =>
    checkPlacement(log, 'vectors', 4, ({ key }) => (isOurs ? (key ?? undefined) : undefined));
  await check(false);
  await expect(check(true)).rejects.toMatchObject({
    code: 'topic-mismatch',
    verdict: 'stop',
    context: { topic: 'vectors', before: 2, now: 4 },
  });
});
