import { describe, expect, it } from 'vitest';
import { partitionFor } from '../../topics/murmur2.ts';
import { routeRecords } from './routing.ts';

const shapeOf = () => ({ partitions: 3, maxMessageBytes: 10_000 });
const record = (key: string | null, bytes: number, partition?: number) => ({
  topic: 't',
  key,
  value: Buffer.alloc(bytes),
  ...(partition === undefined ? {} : { partition }),
});
const keysOf = (routes: ReturnType<typeof routeRecords>, partition: number) =>
  routes
    .filter((route) => route.partition === partition)
    .flatMap(({ records }) => records.map(({ record: { key } }) => key));

describe('routeRecords', () => {
  it('keeps the order within each partition', () => {
    const records = Array.from({ length: 20 }, (_, index) => record(`k${index}`, 1_000, index % 2));
    const routes = routeRecords(records, shapeOf, 4_000);
    expect(routes.map(({ partition }) => partition).sort()).toEqual([0, 1]);
    for (const partition of [0, 1]) {
      const expected = records.filter((one) => one.partition === partition).map(({ key }) => key);
      expect(keysOf(routes, partition)).toEqual(expected);
    }
  });

  it('limits batches to the topic limit less a margin for estimates', () => {
    const [small] = routeRecords([record('a', 1, 0)], shapeOf, 4_000);
    const [large] = routeRecords([record('a', 1, 0)], shapeOf, 900_000);
    expect([small?.limit, large?.limit]).toEqual([4_000, 10_000 - 1024]);
  });

  it('chooses the partition of the Java client', () => {
    const keys = Array.from({ length: 30 }, (_, index) => `image-${index}`);
    const routes = routeRecords(
      keys.map((key) => record(key, 10)),
      shapeOf,
      4_000,
    );
    for (const key of keys) expect(keysOf(routes, partitionFor(key, 3))).toContain(key);
  });

  it('distributes records without a key over all partitions', () => {
    const routes = routeRecords(
      Array.from({ length: 9 }, () => record(null, 10)),
      shapeOf,
      4_000,
    );
    expect(routes.map(({ records }) => records.length)).toEqual([3, 3, 3]);
  });

  it('rejects a record over the topic limit and names topic and limit', () => {
    expect(() => routeRecords([record('a', 20_000)], shapeOf, 4_000)).toThrow(
      expect.objectContaining({ code: 'record-too-large', message: expect.stringContaining('10000') }),
    );
  });

  it('rejects a partition that the topic does not have', () => {
    expect(() => routeRecords([record('a', 1, 3)], shapeOf, 4_000)).toThrow(
      expect.objectContaining({ code: 'topic-mismatch' }),
    );
  });
});
