import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commonEnvironment, loadConfig, openBlobs } from '@headwater/service-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProgram } from '../../program.ts';
import { createTestConsole } from '../../testing/test-console.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'headwater-blobs-command-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function sweep(...args: string[]) {
  const console = createTestConsole({ BLOB_STORE: root, RETENTION_IMAGES: '1d' });
  const code = await runProgram(['node', 'headwater', 'blobs', 'sweep', ...args], console);
  await new Promise(setImmediate);
  return { code, out: console.out(), err: console.err() };
}

it('deletes old blobs, keeps the rest, and supports a dry run', async () => {
  const store = openBlobs(loadConfig(commonEnvironment, { BLOB_STORE: root }));
  const [old, young] = [await store.put(Buffer.from('old')), await store.put(Buffer.from('young'))];
  const then = new Date(Date.now() - 3 * 86_400_000);
  await utimes(fileURLToPath(old.uri), then, then);
  expect((await sweep('--older-than', '2d', '--dry-run')).err).toContain('1 of 2 images would be deleted');
  const { code, out } = await sweep('--older-than', '2d', '--json');
  expect([code, JSON.parse(out)]).toEqual([0, { seen: 2, deleted: 1, bytes: 3, dryRun: false }]);
  await expect(store.get(old)).rejects.toMatchObject({ code: 'blob-missing' });
  await expect(store.get(young)).resolves.toBeDefined();
});

it('refuses an age at which records would lose their images', async () => {
  const { code, err } = await sweep('--older-than', '1h');
  expect([code, err]).toEqual([2, expect.stringContaining('RETENTION_IMAGES')]);
  expect((await sweep('--older-than', 'long')).code).toBe(2);
  expect((await sweep()).code).toBe(2);
});
