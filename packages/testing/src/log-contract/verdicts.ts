import { HeadwaterError } from '@headwater/errors';
import type { Log, LogRecord } from '@headwater/log';
import { describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { uniqueName } from '../unique-name.ts';
import { copyTo, expectEachOnce, startPartitionGroup } from './processors.ts';
import {
  createDeadLetterTopic,
  createTopic,
  deadLetterHeaders,
  numbered,
  produce,
  readAll,
  sourceHeaders,
  texts,
} from './topic-records.ts';

export function describeVerdicts(name: string, open: () => Log): void {
  describe(`${name}: verdicts`, () => {
    const startFailing = async (log: Log, fail: (record: LogRecord, attempt: number) => void) => {
      const input = await createTopic(log, 1);
      await createDeadLetterTopic(log, `${input}-dlt`);
      const output = await createTopic(log, 1);
      await produce(log, numbered(input, 20));
      const attempts = new Map<bigint, number>();
      const partitionGroup = await startPartitionGroup(
        log,
        { topics: [input], group: uniqueName('group') },
        async (records) => {
          for (const record of records) {
            attempts.set(record.offset, (attempts.get(record.offset) ?? 0) + 1);
            fail(record, attempts.get(record.offset) ?? 0);
          }
          return copyTo(output, records);
        },
      );
      return { input, output, partitionGroup };
    };

    it('retries until the processor succeeds', async () => {
      const log = open();
      const { input, output } = await startFailing(log, ({ offset }, attempt) => {
        if (offset === 3n && attempt < 4) throw new HeadwaterError('blob-store-unavailable', 'not yet');
      });
      await eventually(async () => (await readAll(log, output)).length >= 20);
      expectEachOnce(await readAll(log, input), await readAll(log, output));
    });

    it('dead-letters only the failing record and processes its neighbours', async () => {
      const log = open();
      const { input, output } = await startFailing(log, ({ offset }) => {
        if (offset !== 3n && offset !== 17n) return;
        throw new HeadwaterError('avro-invalid', 'cut short', { context: { stage: 'decode' } });
      });
      await eventually(async () => (await readAll(log, output)).length >= 18);
      await eventually(async () => (await readAll(log, `${input}-dlt`)).length >= 2);
      const deadLetters = await readAll(log, `${input}-dlt`);
      expect(texts(deadLetters)).toEqual(['value-3', 'value-17']);
      expect(deadLetters[0]?.key?.toString()).toBe('key-3');
      expect(
        Object.fromEntries(Object.entries(deadLetters[0]?.headers ?? {}).map(([k, v]) => [k, String(v)])),
      ).toMatchObject({
        [deadLetterHeaders.topic]: input,
        [deadLetterHeaders.partition]: '0',
        [deadLetterHeaders.offset]: '3',
        [deadLetterHeaders.stage]: 'decode',
        [deadLetterHeaders.exceptionClass]: 'avro-invalid',
        [deadLetterHeaders.exceptionMessage]: 'cut short',
        [sourceHeaders.topic]: input,
        [sourceHeaders.offset]: '3',
      });
      expectEachOnce(await readAll(log, input), [...(await readAll(log, output)), ...deadLetters]);
    });

    it('stops with an error whose verdict is to stop, and commits nothing of the batch', async () => {
      const log = open();
      const { output, partitionGroup } = await startFailing(log, ({ offset }) => {
        if (offset === 10n) throw new HeadwaterError('model-invalid', 'damaged');
      });
      await expect(partitionGroup.stopped).rejects.toMatchObject({ code: 'model-invalid' });
      expect(texts(await readAll(log, output))).not.toContain('value-10');
      expect(partitionGroup.assigned()).toEqual([]);
    });

    it('dead-letters a record whose output is too large', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      await createDeadLetterTopic(log, `${input}-dlt`);
      const output = await createTopic(log, 1);
      await produce(log, numbered(input, 8));
      await startPartitionGroup(log, { topics: [input], group: uniqueName('group') }, async (records) => ({
        records: records.map((cause) => ({
          topic: output,
          key: cause.key,
          value: Buffer.alloc(cause.offset === 5n ? 1_300_000 : 10),
          cause,
        })),
        deadLetters: [],
      }));
      await eventually(async () => (await readAll(log, output)).length >= 7);
      await eventually(async () => (await readAll(log, `${input}-dlt`)).length >= 1);
      const deadLetters = await readAll(log, `${input}-dlt`);
      expect(texts(deadLetters)).toEqual(['value-5']);
      expectEachOnce(await readAll(log, input), [...(await readAll(log, output)), ...deadLetters]);
    });
  });
}
