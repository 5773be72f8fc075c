import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HeadwaterError } from '@headwater/errors';
import { codeOf, describeBlobStoreContract } from '@headwater/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFolderBlobStore } from './folder-store.ts';

const bytes = Buffer.from('a picture');
let root: string;
let outside: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headwater-blobs-'));
  outside = mkdtempSync(join(tmpdir(), 'headwater-outside-'));
});
afterEach(() => {
  for (const folder of [root, outside]) rmSync(folder, { recursive: true });
});

describeBlobStoreContract('a folder', () => ({
  store: createFolderBlobStore({ root }),
  damage: async ({ uri }, bytes) => writeFileSync(fileURLToPath(uri), bytes),
  age: async ({ uri }, milliseconds) => {
    const then = new Date(Date.now() - milliseconds);
    utimesSync(fileURLToPath(uri), then, then);
  },
  foreign: [pathToFileURL(outside).href, `${pathToFileURL(root).href}x/secret`, 's3://bucket/images/secret'],
}));

describe('a folder of blobs', () => {
  test('returns stored bytes, with one URI for equal bytes', async () => {
    const store = createFolderBlobStore({ root });
    const [first, again] = await Promise.all([store.put(bytes), store.put(bytes)]);
    expect(again).toEqual(first);
    expect(first.byteLength).toBe(9);
    expect(await store.get(first)).toEqual(bytes);
    expect(readdirSync(join(root, '.drafts'))).toEqual([]);
  });

  test('deletes blobs, and ignores missing ones', async () => {
    const store = createFolderBlobStore({ root });
    const blob = await store.put(bytes);
    await store.delete(blob.uri);
    await store.delete(blob.uri);
    expect(await codeOf(store.get(blob))).toBe('blob-missing');
  });

  test('distinguishes a damaged blob from a missing one', async () => {
    const store = createFolderBlobStore({ root });
    const blob = await store.put(bytes);
    writeFileSync(fileURLToPath(blob.uri), 'a Picture');
    expect(await codeOf(store.get(blob))).toBe('blob-corrupt');
    writeFileSync(fileURLToPath(blob.uri), 'a pic');
    expect(await codeOf(store.get(blob))).toBe('blob-corrupt');
    await store.put(bytes);
    expect(await store.get(blob)).toEqual(bytes);
  });

  test('does not read a file with a wrong length', async () => {
    const store = createFolderBlobStore({ root });
    const blob = await store.put(bytes);
    const error = await store.get({ ...blob, byteLength: 8 }).catch((thrown: HeadwaterError) => thrown);
    expect(error).toMatchObject({
      code: 'blob-corrupt',
      message: expect.stringContaining('9 bytes instead of 8'),
    });
  });

  test('stays inside its root', async () => {
    const store = createFolderBlobStore({ root });
    const blob = await store.put(bytes);
    const secret = join(outside, 'secret');
    writeFileSync(secret, bytes);
    symlinkSync(secret, join(root, 'link'));
    symlinkSync(outside, join(root, 'folder'));
    const uris = [
      pathToFileURL(secret).href,
      `${pathToFileURL(root).href}/../${outside.split('/').at(-1)}/secret`,
      `${pathToFileURL(root).href}/%2e%2e/${outside.split('/').at(-1)}/secret`,
      pathToFileURL(join(root, 'link')).href,
      pathToFileURL(join(root, 'folder', 'secret')).href,
      pathToFileURL(root).href,
      `${pathToFileURL(root).href}x/secret`,
      `${pathToFileURL(root).href}/a%00b`,
      'file://elsewhere/secret',
      'http://169.254.169.254/latest',
      'secret',
      '',
    ];
    for (const uri of uris)
      expect([uri, await codeOf(store.get({ ...blob, uri }))]).toEqual([uri, 'blob-forbidden']);
    expect(await codeOf(store.delete(pathToFileURL(secret).href))).toBe('blob-forbidden');
    expect(readFileSync(secret)).toEqual(bytes);
  });

  test('reads neither folders nor special files', async () => {
    const store = createFolderBlobStore({ root });
    const blob = await store.put(bytes);
    await mkdir(join(root, 'aa', 'bb'), { recursive: true });
    expect(await codeOf(store.get({ ...blob, uri: pathToFileURL(join(root, 'aa', 'bb')).href }))).toBe(
      'blob-forbidden',
    );
  });

  test('reports the store as unavailable after a file system error', async () => {
    const file = join(root, 'a-file');
    writeFileSync(file, '');
    const store = createFolderBlobStore({ root: join(file, 'blobs') });
    const error = await store.put(bytes).catch((thrown: HeadwaterError) => thrown);
    expect(error).toBeInstanceOf(HeadwaterError);
    expect(error).toMatchObject({
      code: 'blob-store-unavailable',
      verdict: 'retry',
      context: { reason: 'ENOTDIR' },
    });
  });

  test('distinguishes a missing store from a missing blob', async () => {
    const store = createFolderBlobStore({ root });
    const dangling = { uri: pathToFileURL(join(root, 'aa', 'bb')).href, byteLength: 1, sha256: 'bb' };
    expect(await codeOf(store.get(dangling))).toBe('blob-store-unavailable');
    await store.prepare?.();
    expect(await codeOf(store.get(dangling))).toBe('blob-missing');
    const blob = await store.put(bytes);
    renameSync(root, `${root}-away`);
    // A process that has not seen the store, as after a restart, must not treat it as empty.
    const another = createFolderBlobStore({ root });
    for (const makeFolder of [async () => undefined, () => mkdir(root)]) {
      await makeFolder();
      expect(await codeOf(store.get(blob))).toBe('blob-store-unavailable');
      expect(await codeOf(another.get(blob))).toBe('blob-store-unavailable');
      expect(await codeOf(store.put(bytes))).toBe('blob-store-unavailable');
      expect(await codeOf(store.delete(blob.uri))).toBe('blob-store-unavailable');
      expect(await codeOf(store.deleteOwned('somebody'))).toBe('blob-store-unavailable');
    }
    rmSync(root, { recursive: true });
    renameSync(`${root}-away`, root);
    expect(await store.get(blob)).toEqual(bytes);
    expect(await codeOf(store.get(dangling))).toBe('blob-missing');
  });

  test('writes nothing in place of a missing store, also when it disappears during a write', async () => {
    const store = createFolderBlobStore({ root });
    const blob = await store.put(bytes);
    const pictures = Array.from({ length: 50 }, (_, index) => Buffer.from(`picture ${index}`));
    const writing = pictures.map((picture) => codeOf(store.put(picture)));
    await new Promise((resolve) => setImmediate(resolve));
    renameSync(root, `${root}-away`);
    await mkdir(root);
    expect(await Promise.all(writing)).toContain('blob-store-unavailable');
    expect(await codeOf(store.put(bytes))).toBe('blob-store-unavailable');
    expect(await codeOf(store.get(blob))).toBe('blob-store-unavailable');
    rmSync(root, { recursive: true });
    renameSync(`${root}-away`, root);
    expect(await store.get(await store.put(bytes))).toEqual(bytes);
  });

  test('removes old drafts of crashes and keeps new ones', async () => {
    const drafts = join(root, '.drafts');
    await mkdir(drafts);
    writeFileSync(join(drafts, 'old'), '');
    writeFileSync(join(drafts, 'new'), '');
    utimesSync(join(drafts, 'old'), new Date(0), new Date(0));
    await createFolderBlobStore({ root }).put(bytes);
    expect(readdirSync(drafts)).toEqual(['new']);
  });

  test('can be aborted', async () => {
    const store = createFolderBlobStore({ root });
    const blob = await store.put(bytes);
    await expect(store.get(blob, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });
});
