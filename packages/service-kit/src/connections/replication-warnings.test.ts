import type { ClusterReplication, LogAdmin, Logger } from '@headwater/log';
import { expect, it } from 'vitest';
import { warnOfReplication } from './replication-warnings.ts';

/** Resolves to the logged lines, with their level. */
async function warningsOf(replication: (topics: readonly string[]) => Promise<ClusterReplication>) {
  const lines: string[] = [];
  const write = (level: string) => (_fields: object, message: string) =>
    void lines.push(`${level}: ${message}`);
  const logger = { warn: write('warn'), debug: write('debug') } as unknown as Logger;
  await warnOfReplication({ replication } as unknown as LogAdmin, ['images'], logger);
  return lines;
}

it('warns of each topic with too few replicas, also internal ones, with the remedy', async () => {
  const lines = await warningsOf(async (topics) => ({
    brokers: 3,
    topics: new Map(topics.map((topic) => [topic, { replicas: 1, minInsyncReplicas: 1 }])),
  }));
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain('warn: topic __consumer_offsets may lose acknowledged records');
  expect(lines[2]).toContain('topic images');
  expect(lines.every((line) => line.includes('kafka-reassign-partitions.sh'))).toBe(true);
});

it('does not prevent the start where it cannot read the replication', async () => {
  expect(await warningsOf(() => Promise.reject(new Error('not allowed')))).toEqual([
    'debug: cannot read the replication of topics',
  ]);
});
