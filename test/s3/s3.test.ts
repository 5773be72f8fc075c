/** The claim check against a real S3 server: the contract of all stores, and the errors of a real server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { StoredBlob } from '@headwater/blobs';
import { commonEnvironment, loadConfig, openBlobs } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { codeOf, describeBlobStoreContract } from '../../packages/testing/src/blobs/blob-contract.ts';
import { type S3Proxy, startS3Proxy } from './s3-proxy.ts';

let folder: string;
let server: S3Proxy;
let client: S3Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-s3-'));
  server = await startS3Proxy(folder);
  useKeys(server.accessKey, server.secretKey);
  client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'headwater' }));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  client?.destroy();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

function useKeys(access: string, secret: string): void {
  vi.stubEnv('AWS_ACCESS_KEY_ID', access);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret);
}

const open = (place = 's3://headwater/trial') =>
  openBlobs(loadConfig(commonEnvironment, { BLOB_STORE: place, BLOB_S3_ENDPOINT: server.endpoint }));
const keyOf = (blob: StoredBlob) => blob.uri.slice('s3://headwater/'.length);

describeBlobStoreContract('S3Proxy', () => ({
  store: open(),
  damage: async (blob, Body) =>
    void (await client.send(new PutObjectCommand({ Bucket: 'headwater', Key: keyOf(blob), Body }))),
  foreign: [
    's3://headwater/secret',
    's3://headwater/trial/../secret',
    's3://headwater/trial-of-others/secret',
  ],
}));

describe('a real S3 server', () => {
  test('expires blobs by age, page by page, and keeps protected ones', async () => {
    const store = open('s3://headwater/expiring');
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, n) => store.put(Buffer.from(`expiring ${n}`))),
    );
    const kept = await store.put(Buffer.from('parameters of a head'), { keep: true });
    expect(await store.sweep?.({ olderThan: 3_600_000 })).toEqual({ seen: 30, deleted: 0, bytes: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await store.sweep?.({ olderThan: 1 })).toMatchObject({ seen: 30, deleted: 30 });
    for (const blob of all) expect(await codeOf(store.get(blob))).toBe('blob-missing');
    expect(await codeOf(store.get(kept))).toBe('no error');
  });

  test('rejects wrong keys, with an error that names the settings', async () => {
    const store = open();
    const blob = await store.put(Buffer.from('a picture'));
    const refusal = async (access: string, secret: string) => {
      useKeys(access, secret);
      const error = await open()
        .get(blob)
        .catch((thrown: Error) => thrown);
      useKeys(server.accessKey, server.secretKey);
      return error;
    };
    expect(await refusal(server.accessKey, 'wrong')).toMatchObject({
      code: 'blob-store-unavailable',
      verdict: 'retry',
      message: expect.stringContaining('SignatureDoesNotMatch'),
    });
    expect(await refusal('nobody', 'wrong')).toMatchObject({
      code: 'blob-store-unavailable',
      verdict: 'retry',
    });
  });

  test('reports a missing bucket, with an error that names the setting', async () => {
    const error = await open('s3://never-made/x')
      .put(Buffer.from('x'))
      .catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      code: 'blob-store-unavailable',
      message: expect.stringContaining('the bucket of BLOB_STORE does not exist'),
    });
  });

  test('reads blobs of another producer from allowed places', async () => {
    const Body = Buffer.from('from elsewhere');
    const Key = 'incoming/a b/ü.jpg';
    await client.send(new PutObjectCommand({ Bucket: 'headwater', Key, Body }));
    const config = {
      BLOB_STORE: 's3://headwater/trial',
      BLOB_SOURCES: 's3://headwater/incoming',
      BLOB_S3_ENDPOINT: server.endpoint,
    };
    const store = openBlobs(loadConfig(commonEnvironment, config));
    const { sha256, byteLength } = await store.put(Body);
    expect(await store.get({ uri: `s3://headwater/${Key}`, sha256, byteLength })).toEqual(Body);
    await client.send(new DeleteObjectCommand({ Bucket: 'headwater', Key }));
    expect(await codeOf(store.get({ uri: `s3://headwater/${Key}`, sha256, byteLength }))).toBe(
      'blob-missing',
    );
  });
});
