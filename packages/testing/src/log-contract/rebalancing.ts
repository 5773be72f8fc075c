import type { Log, LogRecord } from '@headwater/log';
import { describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { createLatch } from '../latch.ts';
import { uniqueName } from '../unique-name.ts';
import { copyTo, expectEachOnce, type Process, startPartitionGroup } from './processors.ts';
import { createTopic, numbered, produce, readAll } from './topic-records.ts';

export function describeRebalancing(name: string, open: () => Log): void {
  describe(`${name}: groups`, () => {
    it('shares partitions among members and keeps each record once when a member leaves mid-stream', async () => {
      const logs = [open(), open()] as const;
      const [input, output] = [await createTopic(logs[0], 4), await createTopic(logs[0], 2)];
      const group = uniqueName('group');
      const options = { topics: [input], group, batch: { maxRecords: 5, lingerMs: 2 }, inFlight: 2 };
      const process: Process = async (records) => {
        await new Promise((resolve) => setTimeout(resolve, 3));
        return copyTo(output, records);
      };
      await produce(logs[0], numbered(input, 300));
      const first = await startPartitionGroup(logs[0], options, process);
      await first.ready;
      const second = await startPartitionGroup(logs[1], options, process);
      await second.ready;
      await eventually(() => first.assigned().length === 2 && second.assigned().length === 2);
      expect([...first.assigned(), ...second.assigned()].sort()).toEqual([0, 1, 2, 3]);
      await produce(logs[0], numbered(input, 300, 300));
      await eventually(async () => (await readAll(logs[0], output)).length > 320);
      await second.close();
      await produce(logs[0], numbered(input, 50, 600));
      await eventually(async () => (await readAll(logs[0], output)).length >= 650);
      expectEachOnce(await readAll(logs[0], input), await readAll(logs[0], output));
    });

    it('never commits the work of a partition that was revoked during processing', async () => {
      const logs = [open(), open()] as const;
      const [input, output] = [await createTopic(logs[0], 2), await createTopic(logs[0], 1)];
      const group = uniqueName('group');
      await produce(
        logs[0],
        [0, 1].map((partition) => ({ topic: input, partition, key: 'k', value: Buffer.from('v') })),
      );
      const gate = createLatch();
      let waiting = 0;
      const signals: AbortSignal[] = [];
      const slow: Process = async (records, signal) => {
        waiting += 1;
        signals.push(signal);
        await gate.opened;
        return copyTo(output, records);
      };
      const first = await startPartitionGroup(logs[0], { topics: [input], group }, slow);
      await first.ready;
      await eventually(() => waiting === 2);
      const second = await startPartitionGroup(logs[1], { topics: [input], group }, async (records) =>
        copyTo(output, records),
      );
      await second.ready;
      await eventually(async () => (await readAll(logs[0], output)).length === 1);
      expect(signals.filter(({ aborted }) => aborted)).toHaveLength(1);
      gate.open();
      await eventually(async () => (await readAll(logs[0], output)).length === 2);
      await eventually(async () => {
        const committed = await logs[0].admin.committed(group, input);
        return committed.every((offset) => offset === 1n);
      });
      expectEachOnce(await readAll(logs[0], input), await readAll(logs[0], output));
    });

    it('keeps the processors of the partitions that stay when a member joins and leaves', async () => {
      const logs = [open(), open()] as const;
      const [input, output] = [await createTopic(logs[0], 4), await createTopic(logs[0], 1)];
      const group = uniqueName('group');
      const events: string[] = [];
      const copy = async (records: readonly LogRecord[]) => copyTo(output, records);
      const first = await startPartitionGroup(
        logs[0],
        {
          topics: [input],
          group,
          observer: {
            assigned: (partitions) => void events.push(`assigned ${partitions.join()}`),
            revoked: (partitions) => void events.push(`revoked ${partitions.join()}`),
          },
          open: async ({ index }) => {
            events.push(`open ${index}`);
            return { process: copy, close: () => void events.push(`close ${index}`) };
          },
        },
        copy,
      );
      await first.ready;
      const second = await startPartitionGroup(logs[1], { topics: [input], group }, copy);
      await second.ready;
      await eventually(() => first.assigned().length === 2);
      const [a = -1, b = -1] = second.assigned();
      await eventually(() => events.includes(`close ${a}`) && events.includes(`close ${b}`));
      await produce(logs[0], numbered(input, 100));
      await eventually(async () => (await readAll(logs[0], output)).length === 100);
      await second.close();
      await eventually(() => events.filter((event) => event.startsWith('open')).length === 6);
      await produce(logs[0], numbered(input, 100, 100));
      await eventually(async () => (await readAll(logs[0], output)).length === 200);
      const kept = [0, 1, 2, 3].filter((partition) => partition !== a && partition !== b);
      for (const partition of kept) {
        expect(events.filter((event) => event === `open ${partition}`)).toHaveLength(1);
        expect(events).not.toContain(`close ${partition}`);
      }
      const changes = events.filter((event) => !event.startsWith('open') && !event.startsWith('close'));
      expect(changes).toEqual([
        'assigned 0,1,2,3',
        `revoked ${a},${b}`,
        `assigned ${kept.join()}`,
        'assigned 0,1,2,3',
      ]);
      expectEachOnce(await readAll(logs[0], input), await readAll(logs[0], output));
    });

    it('gives a member that joins the partitions whose state is on its disk', async () => {
      const logs = [open(), open()] as const;
      const options = { topics: [await createTopic(logs[0], 4)], group: uniqueName('group') };
      const copy: Process = async () => ({ records: [], deadLetters: [] });
      const first = await startPartitionGroup(logs[0], options, copy);
      await first.ready;
      const stored = () =>
        new Map([
          [0, 7n],
          [2, 5n],
        ]);
      const second = await startPartitionGroup(logs[1], { ...options, stored }, copy);
      await second.ready;
      expect(second.assigned()).toEqual([0, 2]);
      await eventually(() => first.assigned().length === 2);
      expect(first.assigned()).toEqual([1, 3]);
    });

    it('commits batches in flight on close', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 1));
      const gate = createLatch();
      let started = false;
      const partitionGroup = await startPartitionGroup(log, { topics: [input], group }, async (records) => {
        started = true;
        await gate.opened;
        return copyTo(output, records);
      });
      await eventually(() => started);
      const closed = partitionGroup.close();
      gate.open();
      await closed;
      await partitionGroup.stopped;
      await eventually(async () => (await readAll(log, output)).length > 0);
      await eventually(async () => (await log.admin.committed(group, input))[0] === 1n);
      expect(await readAll(log, output)).toHaveLength(1);
    });

    it('abandons an uncommitted batch after the grace period of a close', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      const group = uniqueName('group');
      await produce(log, numbered(input, 1));
      let started = false;
      const partitionGroup = await startPartitionGroup(log, { topics: [input], group }, () => {
        started = true;
        return new Promise<never>(() => undefined);
      });
      await eventually(() => started);
      const closing = performance.now();
      await partitionGroup.close({ graceMs: 100 });
      // Without the option, the close would wait longer than this for the batch.
      expect(performance.now() - closing).toBeLessThan(5_000);
      expect((await log.admin.committed(group, input))[0]).toBeUndefined();
    });

    it('fences the former owner of a transactional id, which reopens its partition', async () => {
      const logs = [open(), open()] as const;
      const [input, output] = [await createTopic(logs[0], 1), await createTopic(logs[0], 1)];
      const transactionalId = () => `shared-${input}`;
      const retried: string[] = [];
      const gate = createLatch();
      let opened = 0;
      const written: number[] = [];
      await produce(logs[0], numbered(input, 3));
      await startPartitionGroup(
        logs[0],
        {
          topics: [input],
          group: uniqueName('group'),
          transactionalId,
          observer: { retried: (_partition, error) => void retried.push(error.code) },
          open: async () => {
            opened += 1;
            const opening = opened;
            return {
              process: async (records) => {
                await gate.opened;
                return { ...copyTo(output, records), committed: () => void written.push(opening) };
              },
              close: () => undefined,
            };
          },
        },
        async () => copyTo(output, []),
      );
      await eventually(() => opened === 1);
      const newOwner = await startPartitionGroup(
        logs[1],
        { topics: [input], group: uniqueName('group'), transactionalId },
        async () => copyTo(output, []),
      );
      await newOwner.ready;
      await newOwner.close();
      gate.open();
      await eventually(async () => (await readAll(logs[0], output)).length >= 3);
      expect(opened).toBeGreaterThan(1);
      // The fenced owner has not written to its local store.
      expect(written).not.toContain(1);
      expect(retried.length).toBeGreaterThan(0);
      expectEachOnce(await readAll(logs[0], input), await readAll(logs[0], output));
    });
  });
}
