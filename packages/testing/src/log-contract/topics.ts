import type { Log } from '@headwater/log';
import { describe, expect, it } from 'vitest';
import { uniqueName } from '../unique-name.ts';
import { copyTo, startPartitionGroup } from './processors.ts';
import { createTopic } from './topic-records.ts';

export function describeTopics(name: string, open: () => Log): void {
  describe(`${name}: topics`, () => {
    it('creates missing topics and returns partition counts', async () => {
      const log = open();
      const topic = await createTopic(log, 3);
      expect(await log.admin.partitions(topic)).toBe(3);
      expect(await log.admin.partitions(uniqueName('nowhere'))).toBeUndefined();
      await log.admin.ensureTopics([{ name: topic, partitions: 3, settings: {} }], { create: false });
    });

    it('rejects a missing topic and one with another partition count', async () => {
      const log = open();
      const topic = await createTopic(log, 2);
      const missing = { name: uniqueName('nowhere'), partitions: 1, settings: {} };
      await expect(log.admin.ensureTopics([missing], { create: false })).rejects.toMatchObject({
        code: 'topic-missing',
      });
      const other = { name: topic, partitions: 4, settings: {} };
      await expect(log.admin.ensureTopics([other], { create: true })).rejects.toMatchObject({
        code: 'topic-mismatch',
      });
    });

    it('describes the members of a group', async () => {
      const log = open();
      const input = await createTopic(log, 2);
      const group = uniqueName('group');
      expect((await log.admin.describeGroup(group)).members).toEqual([]);
      const address = 'http://classify-0:8080';
      const options = { topics: [input], group, address };
      const partitionGroup = await startPartitionGroup(log, options, async () => copyTo(input, []));
      await partitionGroup.ready;
      const { isStable, members } = await log.admin.describeGroup(group);
      expect(isStable).toBe(true);
      expect(members).toEqual([{ id: expect.any(String), address, partitions: [0, 1] }]);
      await partitionGroup.close();
      expect((await log.admin.describeGroup(group)).members).toEqual([]);
    });

    it('reports the replication of topics and omits missing ones', async () => {
      const log = open();
      const topic = await createTopic(log, 2);
      const { brokers, topics } = await log.admin.replication([topic, uniqueName('missing')]);
      expect(brokers).toBeGreaterThanOrEqual(1);
      expect([...topics]).toEqual([[topic, { replicas: 1, minInsyncReplicas: 1 }]]);
    });

    it('deletes groups and ignores missing ones', async () => {
      const log = open();
      const input = await createTopic(log, 1);
      const group = uniqueName('group');
      const partitionGroup = await startPartitionGroup(log, { topics: [input], group }, async () =>
        copyTo(input, []),
      );
      await partitionGroup.ready;
      await partitionGroup.close();
      await log.admin.deleteGroups([uniqueName('none'), group]);
      await log.admin.deleteGroups([group]);
    });
  });
}
