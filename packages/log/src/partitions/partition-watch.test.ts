import type { HeadwaterError } from '@headwater/errors';
import { expect, it, onTestFinished, vi } from 'vitest';
import { PartitionWatch } from './partition-watch.ts';

/** A watch over topics whose counts the test changes, and its reports. */
function watchOver(counts: Record<string, number | Error | undefined>) {
  const looks = new Map<string, number>();
  const watch = new PartitionWatch(async (topic) => {
    looks.set(topic, (looks.get(topic) ?? 0) + 1);
    const count = counts[topic];
    if (count instanceof Error) throw count;
    return count;
  }, 2);
  onTestFinished(() => watch.close());
  const reported: HeadwaterError[] = [];
  const unwatch = watch.watch(new Map([['images', 2]]), (error) => reported.push(error));
  const looked = async (times: number) => {
    const goal = (looks.get('images') ?? 0) + times;
    await vi.waitFor(() => expect(looks.get('images')).toBeGreaterThanOrEqual(goal), { interval: 2 });
  };
  return { watch, reported, unwatch, looked, looks };
}

it('reports added partitions once, with topic, counts and the command', async () => {
  const counts: Record<string, number> = { images: 2 };
  const { reported } = watchOver(counts);
  counts.images = 4;
  await vi.waitFor(() => expect(reported).toHaveLength(1), { interval: 2 });
  expect(reported[0]).toMatchObject({ code: 'topic-mismatch', verdict: 'stop' });
  expect(reported[0]?.context).toEqual({ topic: 'images', before: 2, now: 4 });
  expect(reported[0]?.message).toContain('headwater topics repartition --partitions 4');
});

it('ignores a single deviating check, an unknown topic and a cluster that does not respond', async () => {
  const counts: Record<string, number | Error | undefined> = { images: new Error('away') };
  const { reported, looked } = watchOver(counts);
  await looked(3);
  counts.images = undefined;
  await looked(3);
  for (let look = 0; look < 4; look += 1) {
    counts.images = look % 2 === 0 ? 4 : 5;
    await looked(1);
  }
  counts.images = 2;
  await looked(3);
  expect(reported).toEqual([]);
});

it('stops checking when all have unsubscribed, and resumes for the next subscriber', async () => {
  const counts: Record<string, number> = { images: 2 };
  const { watch, reported, unwatch, looked, looks } = watchOver(counts);
  await looked(1);
  unwatch();
  counts.images = 4;
  const before = looks.get('images') ?? 0;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect((looks.get('images') ?? 0) - before).toBeLessThanOrEqual(1);
  const second: HeadwaterError[] = [];
  watch.watch(new Map([['images', 3]]), (error) => second.push(error));
  await vi.waitFor(() => expect(second).toHaveLength(1), { interval: 2 });
  expect(reported).toEqual([]);
});
