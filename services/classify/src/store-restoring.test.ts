import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@headwater/service-kit';
import { expect, it } from 'vitest';
import { classifyEnvironment } from './environment.ts';
import { snapshotInterval } from './store-restoring.ts';

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
