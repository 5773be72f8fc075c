import { expect, it, onTestFinished } from 'vitest';
import type { OffsetRange, PartitionObserver, PartitionProcessor } from '../api.ts';
import { createMemoryLog } from '../memory/log.ts';
import { createSilentLogger } from '../silent-logger.ts';
import { PartitionProgress } from './partition-progress.ts';

const topic = 'images';
const logger = createSilentLogger();

/** Two partitions of a log whose responses the test sets; `reports` holds the newest report by partition. */
function watch() {
  const state = {
    now: 0,
    ranges: [10n, 0n].map((high): OffsetRange => ({ low: 0n, high })),
    committed: [4n, undefined] as (bigint | undefined)[],
    hangs: false,
  };
  const answer = <T>(value: () => T) =>
    state.hangs ? new Promise<T>(() => undefined) : Promise.resolve(value());
  const reports = new Map<number, { lag: number | undefined; stalled: number }>();
  let lag: number | undefined;
  const progress = new PartitionProgress({
    group: 'group',
    topics: [topic],
    admin: { offsets: () => answer(() => state.ranges), committed: () => answer(() => state.committed) },
    observer: {
      lag: (_, behind) => {
        lag = behind.get(topic);
      },
      stalled: (partition, stalled) => void reports.set(partition, { lag, stalled }),
    },
    logger,
    everyMs: 3_600_000,
    now: () => state.now,
  });
  onTestFinished(() => progress.close());
  const check = async () => {
    progress.check();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { state, progress, reports, check };
}

it('reports lag and time without progress when nothing is committed', async () => {
  const { state, progress, reports, check } = watch();
  progress.assigned([0, 1]);
  await check();
  expect(reports.get(0)).toEqual({ lag: 6, stalled: 0 });
  expect(reports.get(1)).toEqual({ lag: 0, stalled: 0 });
  state.now = 90_000;
  state.ranges = [
    { low: 0n, high: 30n },
    { low: 0n, high: 0n },
  ];
  await check();
  expect(reports.get(0)).toEqual({ lag: 26, stalled: 90 });
  expect(reports.get(1)).toEqual({ lag: 0, stalled: 0 });
});

it('continues reporting while the log does not respond', async () => {
  const { state, progress, reports, check } = watch();
  progress.assigned([0]);
  await check();
  state.hangs = true;
  await check();
  state.now = 5_000;
  await check();
  expect(reports.get(0)).toEqual({ lag: 6, stalled: 5 });
});

it('resets the time without progress on each commit and without lag', async () => {
  const { state, progress, reports, check } = watch();
  progress.assigned([0]);
  await check();
  state.now = 5_000;
  progress.committed(0, new Map([[topic, 8n]]));
  expect(reports.get(0)).toEqual({ lag: 2, stalled: 0 });
  state.now = 9_000;
  await check();
  expect(reports.get(0)).toEqual({ lag: 2, stalled: 4 });
  progress.committed(0, new Map([[topic, 10n]]));
  state.now = 60_000;
  progress.fetched(0, topic, 11n);
  await check();
  expect(reports.get(0)?.stalled).toBe(0);
});

it('keeps the time of a reassigned partition and forgets a revoked one', async () => {
  const { state, progress, reports, check } = watch();
  progress.assigned([0, 1]);
  await check();
  state.now = 7_000;
  progress.assigned([0]);
  reports.clear();
  await check();
  expect([...reports]).toEqual([[0, { lag: 6, stalled: 7 }]]);
});

it.each(['opening', 'processing'])(
  'a partition group reports the lag of a partition that hangs while %s',
  async (where) => {
    const log = createMemoryLog();
    onTestFinished(() => log.close());
    await log.admin.ensureTopics([{ name: topic, partitions: 1, settings: {} }], { create: true });
    const producer = await log.openProducer();
    await producer.send(['a', 'b', 'c'].map((key) => ({ topic, key, value: Buffer.from(key) })));
    const hang = () => new Promise<never>(() => undefined);
    const processor: PartitionProcessor = { process: hang, close: () => undefined };
    const seen: { lag?: number | undefined; stalled?: number; revoked?: readonly number[] } = {};
    const observer: PartitionObserver = {
      lag: (_, behind) => {
        seen.lag = behind.get(topic);
      },
      stalled: (_, seconds) => {
        seen.stalled = seconds;
      },
      revoked: (partitions) => {
        seen.revoked = partitions;
      },
    };
    const partitionGroup = await log.openPartitionGroup({
      group: 'group',
      topics: [topic],
      open: where === 'opening' ? hang : async () => processor,
      transactionalId: (partition) => `group-${partition}`,
      deadLetterTopic: (name) => `${name}-dlt`,
      lagEveryMs: 10,
      observer,
    });
    await expect.poll(() => seen.lag).toBe(3);
    await expect.poll(() => seen.stalled).toBeGreaterThan(0.05);
    await partitionGroup.close({ graceMs: 50 });
    expect(seen.revoked).toEqual([0]);
  },
);
