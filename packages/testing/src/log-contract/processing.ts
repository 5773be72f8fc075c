import { HeadwaterError } from '@headwater/errors';
import type { Log, LogRecord } from '@headwater/log';
import { describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { createLatch } from '../latch.ts';
import { uniqueName } from '../unique-name.ts';
import { copyTo, expectEachOnce, type Process, startPartitionGroup } from './processors.ts';
import { createTopic, numbered, produce, readAll, texts } from './topic-records.ts';

export function describeProcessing(name: string, open: () => Log): void {
  describe(`${name}: partitions`, () => {
    it('processes every record once and continues from the committed offsets', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 3), await createTopic(log, 2)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 200));
      const first = await startPartitionGroup(log, { topics: [input], group }, async (records) =>
        copyTo(output, records),
      );
      await first.ready;
      expect(first.assigned()).toEqual([0, 1, 2]);
      await eventually(async () => (await readAll(log, output)).length === 200);
      await first.close();
      await first.stopped;
      await produce(log, numbered(input, 100, 200));
      await startPartitionGroup(log, { topics: [input], group }, async (records) => copyTo(output, records));
      await eventually(async () => (await readAll(log, output)).length >= 300);
      expectEachOnce(await readAll(log, input), await readAll(log, output));
    });

    it('opens a partition with its committed positions and replays committed records', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 20));
      const first = await startPartitionGroup(log, { topics: [input], group }, async (records) =>
        copyTo(output, records),
      );
      await eventually(async () => (await log.admin.committed(group, input))[0] === 20n);
      await first.close();
      const replayed: LogRecord[] = [];
      const positions: (bigint | undefined)[] = [];
      const second = await startPartitionGroup(
        log,
        {
          topics: [input],
          group,
          open: async (partition) => {
            positions.push(partition.positions.get(input));
            for await (const chunk of partition.replay({ topic: input, from: 5n, to: 8n }))
              replayed.push(...chunk);
            return { process: async (records) => copyTo(output, records), close: () => undefined };
          },
        },
        async () => copyTo(output, []),
      );
      await second.ready;
      expect(positions).toEqual([20n]);
      expect(texts(replayed)).toEqual(['value-5', 'value-6', 'value-7']);
    });

    it('reports committed positions in order, after the commit', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 50));
      const reported: bigint[] = [];
      const batch = { maxRecords: 7, lingerMs: 5 };
      await startPartitionGroup(log, { topics: [input], group, batch, inFlight: 3 }, async (records) => ({
        ...copyTo(output, records),
        committed: (positions) => void reported.push(positions.get(input) ?? 0n),
      }));
      await eventually(() => reported.at(-1) === 50n);
      expect(reported).toEqual([...reported].sort((a, b) => Number(a - b)));
      await eventually(async () => (await log.admin.committed(group, input))[0] === 50n);
      await eventually(async () => (await readAll(log, output)).length >= 50);
      expect(texts(await readAll(log, output))).toEqual(texts(await readAll(log, input)));
    });

    it('never reprocesses committed records when the processor fails after the commit', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      await produce(log, numbered(input, 4));
      const options = { topics: [input], group: uniqueName('group'), batch: { maxRecords: 4 } };
      const partitionGroup = await startPartitionGroup(log, options, async (records) => ({
        ...copyTo(output, records),
        committed: () => Promise.reject(new HeadwaterError('record-invalid', 'too late')),
      }));
      await expect(partitionGroup.stopped).rejects.toMatchObject({ code: 'record-invalid', verdict: 'stop' });
      await eventually(async () => (await readAll(log, output)).length >= 4);
      expectEachOnce(await readAll(log, input), await readAll(log, output));
    });

    it('keeps batches within their limits', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      const group = uniqueName('group');
      await produce(
        log,
        Array.from({ length: 60 }, () => ({ topic: input, key: 'k', value: Buffer.alloc(1000) })),
      );
      const sizes: number[] = [];
      const batch = { maxRecords: 20, maxBytes: 10_000, lingerMs: 5 };
      await startPartitionGroup(log, { topics: [input], group, batch }, async (records) => {
        sizes.push(records.length);
        return { records: [], deadLetters: [] };
      });
      await eventually(() => sizes.reduce((sum, size) => sum + size, 0) === 60);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    });

    it('overlaps at most inFlight calls', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      const group = uniqueName('group');
      await produce(log, numbered(input, 10));
      const gate = createLatch();
      let running = 0;
      let most = 0;
      let done = 0;
      const batch = { maxRecords: 1, lingerMs: 0 };
      await startPartitionGroup(log, { topics: [input], group, batch, inFlight: 3 }, async () => {
        running += 1;
        most = Math.max(most, running);
        if (running === 3) gate.open();
        await gate.opened;
        running -= 1;
        done += 1;
        return { records: [], deadLetters: [] };
      });
      await eventually(() => done === 10);
      expect(most).toBe(3);
    });

    it('assigns partition i of all topics together', async () => {
      const log = open();
      const topics = [await createTopic(log, 3), await createTopic(log, 3)] as const;
      const group = uniqueName('group');
      await produce(log, [...numbered(topics[0], 60), ...numbered(topics[1], 60)]);
      const seen: { partition: number; record: LogRecord }[] = [];
      await startPartitionGroup(log, { topics, group }, async (records, _signal, partition) => {
        for (const record of records) seen.push({ partition, record });
        return { records: [], deadLetters: [] };
      });
      await eventually(() => seen.length === 120);
      for (const { partition, record } of seen) expect(record.partition).toBe(partition);
    });

    it('rejects topics that are missing or differ in partitions', async () => {
      const log = open();
      const topics = [await createTopic(log, 3), await createTopic(log, 2)];
      const group = uniqueName('group');
      const process: Process = async () => ({ records: [], deadLetters: [] });
      await expect(startPartitionGroup(log, { topics, group }, process)).rejects.toMatchObject({
        code: 'topic-mismatch',
      });
      const missing = [uniqueName('nowhere')];
      await expect(startPartitionGroup(log, { topics: missing, group }, process)).rejects.toMatchObject({
        code: 'topic-missing',
      });
    });
  });
}
