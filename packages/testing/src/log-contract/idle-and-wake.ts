import type { AssignedPartition, Log, PartitionProcessor } from '@headwater/log';
import { describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { uniqueName } from '../unique-name.ts';
import { copyTo, startPartitionGroup } from './processors.ts';
import { createTopic, numbered, produce, readAll } from './topic-records.ts';

export function describeIdleAndWake(name: string, open: () => Log): void {
  describe(`${name}: idle and wake`, () => {
    it('reports idle once per quiet period', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      await produce(log, numbered(input, 5));
      let idle = 0;
      await startPartitionGroup(
        log,
        { topics: [input], group, idleAfterMs: 100 },
        async (records) => copyTo(output, records),
        {
          idle: async () => {
            idle += 1;
            return { records: [{ topic: output, key: 'idle', value: null }], deadLetters: [] };
          },
        },
      );
      await eventually(async () => (await readAll(log, output)).length === 6);
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(idle).toBe(1);
      await produce(log, numbered(input, 1, 5));
      await eventually(() => idle === 2);
    });

    it('requests output after a wake, between batches and without new records', async () => {
      const log = open();
      const [input, output] = [await createTopic(log, 1), await createTopic(log, 1)];
      const group = uniqueName('group');
      let outputs = 0;
      let wake: () => void = () => undefined;
      const openProcessor = async (partition: AssignedPartition): Promise<PartitionProcessor> => {
        wake = () => partition.wake?.();
        return {
          process: async (records) => {
            wake();
            return copyTo(output, records);
          },
          offer: async () => {
            outputs += 1;
            return { records: [{ topic: output, key: 'more', value: null }], deadLetters: [] };
          },
          close: () => undefined,
        };
      };
      const processNothing = () => Promise.reject(new Error('unexpected call'));
      await startPartitionGroup(log, { topics: [input], group, open: openProcessor }, processNothing);
      await produce(log, numbered(input, 1));
      await eventually(() => outputs === 1);
      wake();
      await eventually(async () => (await readAll(log, output)).length === 3);
      expect(outputs).toBe(2);
    });
  });
}
