import type { Log, LogRecord } from '@headwater/log';
import { describe, expect, it } from 'vitest';
import { createTopic, numbered, produce, readAll, sourceHeaders, texts } from './topic-records.ts';

/** Partition of `key-0`, `key-1` … among 5, by the murmur2 partitioner of the Java client. */
const partitionsOfKeys = '1022330002000014102032441422234434013301';

export function describeReading(name: string, open: () => Log): void {
  describe(`${name}: producer and bounded reads`, () => {
    it('preserves keys, values, headers, tombstones and timestamps in order', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      await produce(log, [
        { topic, key: 'a', value: Buffer.from('1'), headers: { text: 'x', bytes: Buffer.from([0, 255]) } },
        { topic, key: null, value: Buffer.alloc(0), timestamp: 1_700_000_000_000 },
        { topic, key: Buffer.from('a'), value: null },
      ]);
      const [first, second, third] = await readAll(log, topic);
      expect(first?.key).toEqual(Buffer.from('a'));
      expect(first?.headers).toEqual({ text: Buffer.from('x'), bytes: Buffer.from([0, 255]) });
      expect(second?.key).toBeNull();
      expect(second?.value).toEqual(Buffer.alloc(0));
      expect(second?.timestamp).toBe(1_700_000_000_000);
      expect(third?.value).toBeNull();
      expect([first?.offset, second?.offset, third?.offset]).toEqual([0n, 1n, 2n]);
    });

    it('partitions by murmur2 of the key unless the record names a partition', async () => {
      const log = open();
      const topic = await createTopic(log, 5);
      await produce(log, [
        ...numbered(topic, 40),
        { topic, key: 'key-0', value: Buffer.from('x'), partition: 4 },
      ]);
      for (const record of await readAll(log, topic)) {
        const elsewhere = record.value?.toString() === 'x';
        expect(record.partition).toBe(
          elsewhere ? 4 : Number(partitionsOfKeys[Number(record.key?.toString().slice(4))]),
        );
      }
    });

    it('adds the source of a record to its headers', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      await produce(log, numbered(topic, 2));
      const [, cause] = await readAll(log, topic);
      if (cause === undefined) throw new Error('no record');
      await produce(log, [{ topic, key: 'k', value: null, cause }]);
      const derived = (await readAll(log, topic))[2];
      expect(derived?.headers).toEqual({
        [sourceHeaders.topic]: Buffer.from(topic),
        [sourceHeaders.partition]: Buffer.from('0'),
        [sourceHeaders.offset]: Buffer.from('1'),
      });
    });

    it('reads between two offsets, and nothing from an empty range', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      await produce(log, numbered(topic, 10));
      const read = async (range: { from?: bigint; to?: bigint }) => {
        const records: LogRecord[] = [];
        for await (const chunk of log.read({ topic, partition: 0, ...range })) records.push(...chunk);
        return texts(records);
      };
      expect(await read({ from: 3n, to: 6n })).toEqual(['value-3', 'value-4', 'value-5']);
      expect(await read({ from: 10n })).toEqual([]);
      expect(await read({ from: 4n, to: 4n })).toEqual([]);
      expect(await read({ to: 2n })).toEqual(['value-0', 'value-1']);
      expect(await log.admin.offsets(topic)).toEqual([{ low: 0n, high: 10n }]);
    });

    it('splits a send by bytes and rejects a record over the topic limit', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      const large = Array.from({ length: 400 }, (_, index) => ({
        topic,
        key: `k${index}`,
        value: Buffer.alloc(5_000, index),
      }));
      await produce(log, large);
      const found = await readAll(log, topic);
      expect(found.map(({ key }) => key?.toString())).toEqual(large.map(({ key }) => key));
      await expect(
        produce(log, [{ topic, key: 'huge', value: Buffer.alloc(1_200_000) }]),
      ).rejects.toMatchObject({ code: 'record-too-large', verdict: 'dead-letter' });
      expect(await readAll(log, topic)).toHaveLength(400);
    });
  });
}
