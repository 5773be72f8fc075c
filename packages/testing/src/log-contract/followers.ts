import { HeadwaterError } from '@headwater/errors';
import type { Log, LogRecord } from '@headwater/log';
import { describe, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { createTopic, numbered, produce, texts } from './topic-records.ts';

export function describeFollowers(name: string, open: () => Log): void {
  describe(`${name}: followers`, () => {
    it('delivers all records from the beginning, then new ones', async () => {
      const log = open();
      const topics = [await createTopic(log, 2), await createTopic(log, 1)] as const;
      await produce(log, [...numbered(topics[0], 30), ...numbered(topics[1], 5)]);
      const seen: LogRecord[] = [];
      const follower = await log.follow({
        topics,
        from: 'beginning',
        onRecords: (records) => void seen.push(...records),
      });
      await follower.caughtUp;
      expect(seen).toHaveLength(35);
      await produce(log, numbered(topics[1], 1, 5));
      await eventually(() => seen.length === 36);
      await eventually(() => follower.position(topics[1], 0) === 6n);
      await follower.close();
      await follower.stopped;
    });

    it('starts at the end on request and catches up at once on empty topics', async () => {
      const log = open();
      const [empty, full] = [await createTopic(log, 3), await createTopic(log, 1)];
      await produce(log, numbered(full, 5));
      const seen: LogRecord[] = [];
      const onRecords = (records: readonly LogRecord[]) => void seen.push(...records);
      await (await log.follow({ topics: [empty], from: 'beginning', onRecords })).caughtUp;
      const follower = await log.follow({ topics: [full], from: 'end', onRecords });
      await follower.caughtUp;
      await produce(log, numbered(full, 1, 5));
      await eventually(() => seen.length > 0);
      expect(texts(seen)).toEqual(['value-5']);
    });

    it('stops with the error that its handler throws', async () => {
      const log = open();
      const topic = await createTopic(log, 1);
      await produce(log, numbered(topic, 1));
      const follower = await log.follow({
        topics: [topic],
        from: 'beginning',
        onRecords: () => Promise.reject(new HeadwaterError('head-invalid', 'no')),
      });
      await expect(follower.stopped).rejects.toMatchObject({ code: 'head-invalid' });
      await expect(follower.caughtUp).rejects.toMatchObject({ code: 'head-invalid' });
    });
  });
}
