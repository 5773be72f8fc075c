import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { createMemoryLog, type Log } from '@headwater/log';
import { loadConfig } from '@headwater/service-kit';
import { expect, it } from 'vitest';
import { classifyEnvironment } from './environment.ts';
import { snapshotInterval, tombstoneRetention } from './store-restoring.ts';

const hour = 3_600_000;

function intervalOf(environment: Readonly<Record<string, string>>): number | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-config-'));
  try {
    return snapshotInterval(loadConfig(classifyEnvironment, { DATA_DIR: folder, ...environment }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it.each<[string, number | undefined, Record<string, string>]>([
  ['not at all in a folder that may be local', undefined, {}],
  ['every day on S3', 24 * hour, { BLOB_STORE: 's3://bucket/prefix' }],
  ['every day in a shared folder', 24 * hour, { BLOB_STORE: '/mnt/blobs', BLOB_STORE_SHARED: 'true' }],
  ['at half of MAX_STORE_AGE at most', 6 * hour, { BLOB_STORE: 's3://bucket', MAX_STORE_AGE: '12h' }],
  ['as often as STORE_SNAPSHOTS says', 2 * hour, { STORE_SNAPSHOTS: '2h' }],
  ['not at all where it is off', undefined, { STORE_SNAPSHOTS: 'off', BLOB_STORE: 's3://bucket' }],
])('writes snapshots of stores %s', (_, interval, environment) => {
  expect(intervalOf(environment)).toBe(interval);
});

it('rejects an interval after which snapshots would be too old', () => {
  expect(() => intervalOf({ STORE_SNAPSHOTS: '2d' })).toThrow(
    expect.objectContaining({ code: 'config-invalid' }),
  );
  expect(() => intervalOf({ STORE_SNAPSHOTS: 'often' })).toThrow(/expected off, or an interval/);
});

it('knows how long compacted topics keep tombstones, with the default of Kafka where nothing is set', async () => {
  const log = createMemoryLog();
  const topic = (name: string, settings: Record<string, string>) => ({ name, partitions: 1, settings });
  const specs = [
    topic('labels', { 'cleanup.policy': 'delete' }),
    topic('week', { 'cleanup.policy': 'compact', 'delete.retention.ms': String(168 * hour) }),
    topic('unset', { 'cleanup.policy': 'compact,delete' }),
  ];
  await log.admin.ensureTopics(specs, { create: true });
  expect(await tombstoneRetention(log, ['labels'])).toBeUndefined();
  expect(await tombstoneRetention(log, ['labels', 'week'])).toBe(168 * hour);
  expect(await tombstoneRetention(log, ['labels', 'week', 'unset'])).toBe(24 * hour);
  await log.close();
});

it('leaves the age of snapshots to MAX_STORE_AGE where the settings of topics cannot be read', async () => {
  const describe = () => Promise.reject(new HeadwaterError('log-forbidden', 'no'));
  expect(await tombstoneRetention({ admin: { describe } } as unknown as Log, ['week'])).toBeUndefined();
});
