import { describe, expect, it } from 'vitest';
import { partitionFor } from '../murmur2.ts';
import { planSends } from './send-plan.ts';

const shapeOf = () => ({ partitions: 3, maxMessageBytes: 10_000 });
const record = (key: string | null, bytes: number, partition?: number) => ({
  topic: 't',
  key,
  value: Buffer.alloc(bytes),
  ...(partition === undefined ? {} : { partition }),
});
const bytesIn = (messages: readonly { readonly value: Buffer | string | null }[]) =>
  messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);

describe('a plan of sends', () => {
  it('keeps what goes to one partition within a batch, in order', () => {
    const records = Array.from({ length: 20 }, (_, index) => record(`k${index}`, 1_000, index % 2));
    const sends = planSends(records, shapeOf, 4_000);
    const sent = sends.flatMap((send) => send.flatMap(({ messages }) => messages));
    for (const partition of [0, 1]) {
      const keys = sent.filter((message) => message.partition === partition).map(({ key }) => key);
      expect(keys).toEqual(records.filter((one) => one.partition === partition).map(({ key }) => key));
      for (const [send] of sends) {
        const own = send?.messages.filter((message) => message.partition === partition) ?? [];
        expect(bytesIn(own)).toBeLessThanOrEqual(4_000);
      }
    }
  });

  it('sends a record alone that is larger than a batch should be', () => {
    const sends = planSends(
      [record('a', 100, 0), record('b', 8_000, 0), record('c', 100, 0)],
      shapeOf,
      4_000,
    );
    expect(sends.map(([send]) => send?.messages.map(({ key }) => key))).toEqual([['a'], ['b'], ['c']]);
  });

  it('heeds a topic whose limit is below that of a batch', () => {
    const sends = planSends(
      Array.from({ length: 20 }, () => record('k', 1_000, 0)),
      shapeOf,
      900_000,
    );
    for (const [send] of sends) expect(bytesIn(send?.messages ?? [])).toBeLessThan(10_000);
  });

  it('refuses a record that its topic cannot hold, and a partition that is not there', () => {
    expect(() => planSends([record('k', 20_000)], shapeOf, 4_000)).toThrow(/max\.message\.bytes of topic t/);
    expect(() => planSends([record('k', 10, 3)], shapeOf, 4_000)).toThrow(/3 partitions, and none is 3/);
  });

  it('chooses the partition that every producer chooses, and spreads records without a key', () => {
    const [[send] = []] = planSends([record('image-1', 10)], shapeOf, 4_000);
    expect(send?.messages[0]?.partition).toBe(partitionFor('image-1', 3));
    const spread = planSends(
      Array.from({ length: 9 }, () => record(null, 10)),
      shapeOf,
      4_000,
    ).flatMap((one) => one.flatMap(({ messages }) => messages.map(({ partition }) => partition)));
    expect(new Set(spread)).toEqual(new Set([0, 1, 2]));
  });
});
