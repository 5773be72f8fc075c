import type { Log } from '@headwater/log';
import { describe, expect, it, onTestFinished } from 'vitest';
import { uniqueName } from '../unique-name.ts';
import { createTopic, numbered, produce, readAll, texts } from './topic-records.ts';

export function describeTransactions(name: string, open: () => Log): void {
  describe(`${name}: transactions and deletion for tools`, () => {
    it('writes all of a commit or nothing, and fences the former owner of the id', async () => {
      const log = open();
      const [one, other] = [await createTopic(log, 2), await createTopic(log, 1)];
      const id = uniqueName('tool');
      const former = await log.openTransactions(id);
      onTestFinished(() => former.close());
      await former.commit([...numbered(one, 3), ...numbered(other, 1)]);
      const huge = { topic: other, key: 'k', value: Buffer.alloc(2_000_000) };
      await expect(former.commit([...numbered(one, 3, 50), huge])).rejects.toMatchObject({
        code: 'record-too-large',
      });
      const owner = await log.openTransactions(id);
      onTestFinished(() => owner.close());
      await expect(former.commit(numbered(one, 1, 90))).rejects.toMatchObject({ code: 'log-fenced' });
      await owner.commit(numbered(one, 1, 3));
      expect(texts(await readAll(log, one)).sort()).toEqual(['value-0', 'value-1', 'value-2', 'value-3']);
      expect(texts(await readAll(log, other))).toEqual(['value-0']);
    });

    it('deletes records before an offset', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      await produce(log, numbered(topic, 5));
      await log.admin.deleteRecords(topic, new Map([[0, 3n]]));
      await log.admin.deleteRecords(topic, new Map([[0, 2n]]));
      expect(await log.admin.offsets(topic)).toEqual([{ low: 3n, high: 5n }]);
      expect(texts(await readAll(log, topic))).toEqual(['value-3', 'value-4']);
    });
  });
}
