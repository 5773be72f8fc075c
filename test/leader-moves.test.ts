/** Producers on three real brokers while leaders move: the short form of `npm run chaos -- --only produce`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKafkaLog, type Log } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { expect, it } from 'vitest';
import { Cluster } from './chaos/cluster/cluster.ts';
import { type ReadAll, runProduceTrial } from './chaos/produce/trial.ts';

const readAllOf =
  (log: Log): ReadAll =>
  async (topics, visit) => {
    for (const topic of topics) {
      const partitions = (await log.admin.partitions(topic)) ?? 0;
      for (let partition = 0; partition < partitions; partition++) {
        for await (const records of log.read({ topic, partition })) {
          for (const { value } of records) visit(topic, partition, String(value));
        }
      }
    }
  };

it('loses and doubles no acknowledged record while leaders move between three brokers', async ({
  onTestFinished,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-leaders-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const cluster = await Cluster.start(join(folder, 'kafka'), 3);
  onTestFinished(() => cluster.stop());
  const log = createKafkaLog({ brokers: cluster.brokers }, createLogger({ name: 'test', level: 'silent' }));
  onTestFinished(() => log.close());
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const summary = await runProduceTrial(
    { seed: 1, records: 3_000, moves: 2, kinds: ['restart', 'reassign'] },
    { cluster, readAll: readAllOf(log), signal: end.signal, say: () => undefined },
  );
  expect(summary).toMatchObject({
    missing: 0,
    twice: 0,
    outOfOrder: 0,
    torn: 0,
    foreign: 0,
    findings: [],
    troubles: [],
  });
  expect(summary.moves).toBeGreaterThanOrEqual(2);
  expect(summary.acknowledged.idempotent).toBeGreaterThan(1_000);
  expect(summary.acknowledged.transactional).toBeGreaterThan(1_000);
  expect(summary.leaderMoves).toBeGreaterThan(0);
}, 180_000);
