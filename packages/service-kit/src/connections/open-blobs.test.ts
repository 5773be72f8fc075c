import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sha256Of } from '@headwater/blobs';
import { codeOf, startFakeS3 } from '@headwater/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { commonEnvironment } from '../configuration/common-environment.ts';
import { loadConfig } from '../configuration/load.ts';
import { checkBlobStoreShared, openBlobs } from './open-blobs.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headwater places-'));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test-access-key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-real-secret-key');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const open = (environment: Record<string, string>) => openBlobs(loadConfig(commonEnvironment, environment));
const bytes = Buffer.from('a picture');
const referenceTo = (uri: string) => ({ uri, byteLength: bytes.length, sha256: sha256Of(bytes) });

describe('the blob store', () => {
  test('is below the data folder, or at BLOB_STORE', async () => {
    const put = async (environment: Record<string, string>) => (await open(environment).put(bytes)).uri;
    const below = (...names: string[]) =>
      expect.stringMatching(`^${pathToFileURL(join(root, ...names)).href}/`);
    expect(await put({ DATA_DIR: root })).toEqual(below('blobs'));
    expect(await put({ BLOB_STORE: join(root, 'a') })).toEqual(below('a'));
    expect(await put({ BLOB_STORE: pathToFileURL(join(root, 'b')).href })).toEqual(below('b'));
  });

  test('may be a bucket', async () => {
    await using s3 = await startFakeS3();
    const store = open({ BLOB_STORE: 's3://bucket/mine', BLOB_S3_ENDPOINT: s3.endpoint });
    const blob = await store.put(bytes);
    expect(blob.uri).toBe(`s3://bucket/mine/images/${blob.sha256.slice(0, 2)}/${blob.sha256}`);
    expect(await store.get(blob)).toEqual(bytes);
  });

  test.each(['http://bucket', 's3://Bucket', 's3://bucket/../x', 'file://host/x', 'gs://bucket'])(
    'is not %s',
    (place) => {
      expect(() => open({ BLOB_STORE: place })).toThrow('BLOB_STORE: expected a folder');
      expect(() => open({ BLOB_SOURCES: `${root},${place}` })).toThrow('BLOB_SOURCES: expected a folder');
    },
  );
});

describe('blob sources', () => {
  test('allow references to the named places and no others', async () => {
    await using s3 = await startFakeS3();
    for (const key of ['theirs/cat.jpg', 'private/cat.jpg'])
      s3.objects.set(key, { bytes, modified: Date.now() });
    for (const folder of ['scans', 'scans-private']) {
      mkdirSync(join(root, folder));
      writeFileSync(join(root, folder, 'cat.jpg'), bytes);
    }
    symlinkSync(join(root, 'scans-private', 'cat.jpg'), join(root, 'scans', 'link.jpg'));
    symlinkSync(join(root, 'scans-private'), join(root, 'scans', 'folder'));
    const store = open({
      DATA_DIR: root,
      BLOB_SOURCES: `${join(root, 'scans')}, s3://bucket/theirs`,
      BLOB_S3_ENDPOINT: s3.endpoint,
    });
    const uriOf = (...names: string[]) => pathToFileURL(join(root, ...names)).href;
    for (const uri of [uriOf('scans', 'cat.jpg'), 's3://bucket/theirs/cat.jpg']) {
      expect(await store.get(referenceTo(uri))).toEqual(bytes);
      // Sources are read-only.
      expect(await codeOf(store.delete(uri))).toBe('blob-forbidden');
    }
    for (const uri of [
      uriOf('scans-private', 'cat.jpg'),
      `${uriOf('scans')}/../scans-private/cat.jpg`,
      `${uriOf('scans')}/%2e%2e/scans-private/cat.jpg`,
      uriOf('scans', 'link.jpg'),
      uriOf('scans', 'folder', 'cat.jpg'),
      's3://bucket/private/cat.jpg',
      's3://bucket/theirs/../private/cat.jpg',
      's3://another/theirs/cat.jpg',
      `${s3.endpoint}/bucket/theirs/cat.jpg`,
    ]) {
      expect([uri, await codeOf(store.get(referenceTo(uri)))]).toEqual([uri, 'blob-forbidden']);
    }
    expect(s3.requests).toEqual(['GET /bucket/theirs/cat.jpg']);
    expect(await store.get(await store.put(bytes))).toEqual(bytes);
  });
});

test('a store that hangs fails after its time limit', async () => {
  await using s3 = await startFakeS3();
  s3.fault = () => true;
  const store = open({ BLOB_STORE: 's3://bucket', BLOB_S3_ENDPOINT: s3.endpoint, BLOB_TIMEOUT: '300ms' });
  const begun = performance.now();
  expect(await codeOf(store.get(referenceTo('s3://bucket/images/aa/x')))).toBe('blob-store-unavailable');
  expect(performance.now() - begun).toBeLessThan(3_000);
});

describe('a folder as BLOB_STORE', () => {
  const check = (environment: Record<string, string>, address: string) =>
    checkBlobStoreShared(loadConfig(commonEnvironment, environment), [address]);

  test.each([{}, { BLOB_STORE: '/var/blobs' }])(
    'is rejected where other machines can reach the service: %j',
    (environment) => {
      expect(() => check(environment, '0.0.0.0')).toThrow(
        /BLOB_STORE: .* 0\.0\.0\.0.*BLOB_STORE_SHARED=true/,
      );
    },
  );

  test('is accepted on one machine and where it is declared to be shared', () => {
    check({}, '127.0.0.1');
    check({}, '::1');
    check({ BLOB_STORE: '/mnt/blobs', BLOB_STORE_SHARED: 'true' }, '0.0.0.0');
    check({ BLOB_STORE: 's3://bucket/prefix' }, '0.0.0.0');
  });
});
