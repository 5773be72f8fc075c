import type { SweepOptions } from '@headwater/blobs';
import { createLogger, createMetrics } from '@headwater/service-kit';
import { expect, it } from 'vitest';
import { startBlobExpiry } from './blob-expiry.ts';
import { eventually } from './testing/ingest-fixture.ts';

const day = 86_400_000;

function fixture(
  sweep: (options: SweepOptions) => Promise<{ seen: number; deleted: number; bytes: number }>,
) {
  const said: string[] = [];
  const logger = createLogger({ name: 'test', destination: { write: (line) => void said.push(line) } });
  const metrics = createMetrics({ processDefaults: false });
  return { said, metrics, parts: { blobs: { sweep } as never, logger, metrics } };
}

it('sweeps at once and again, and goes on after a failure', async () => {
  const asked: number[] = [];
  const { parts, metrics, said } = fixture(async ({ olderThan }) => {
    asked.push(olderThan);
    if (asked.length === 2) throw new Error('the store is away');
    return { seen: 5, deleted: 2, bytes: 10 };
  });
  const expiry = startBlobExpiry({ BLOB_MAX_AGE: 8 * day, RETENTION_IMAGES: 7 * day }, parts, 5);
  await eventually(() => asked.length >= 3 || undefined);
  await expiry.stop();
  expect(asked.every((age) => age === 8 * day)).toBe(true);
  expect((await metrics.render()).body).toMatch(/headwater_blobs_expired_total [4-9]/);
  expect(said.join('')).toContain('deleting expired blobs failed');
});

it('does nothing where nothing expires, and refuses an age at which images would be lost', async () => {
  const { parts } = fixture(() => Promise.reject(new Error('asked')));
  await startBlobExpiry({ BLOB_MAX_AGE: -1, RETENTION_IMAGES: 7 * day }, parts, 1).stop();
  for (const retention of [9 * day, -1]) {
    expect(() => startBlobExpiry({ BLOB_MAX_AGE: 8 * day, RETENTION_IMAGES: retention }, parts)).toThrow(
      'BLOB_MAX_AGE',
    );
  }
});
