import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  codeOf,
  describeBlobStoreContract,
  type FakeS3,
  fail,
  noFault,
  startFakeS3,
} from '@headwater/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { StoredBlob } from '../api.ts';
import { withBounds } from '../deadline.ts';
import { createS3BlobStore } from './s3-store.ts';
import { keyWithin, parseS3Place } from './s3-uri.ts';

const secret = 'not-a-real-secret-key';
let s3: FakeS3;

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test-access-key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret);
  s3 = await startFakeS3();
});
afterEach(() => {
  s3.fault = noFault;
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await s3[Symbol.asyncDispose]();
});

const place = { bucket: 'bucket', prefix: 'headwater/' };
const open = (timeoutMs = 5_000, endpoint = s3.endpoint) =>
  withBounds(createS3BlobStore({ place, endpoint, timeoutMs }), {
    timeoutMs: timeoutMs * 3,
    maxBytes: 4_000_000,
  });
const keyOf = (blob: StoredBlob) => blob.uri.slice('s3://bucket/'.length);
const errorOf = (promise: Promise<unknown>) => promise.catch((error: Error) => error);

describeBlobStoreContract('S3', () => ({
  store: open(),
  damage: async (blob, bytes) => void s3.objects.set(keyOf(blob), { bytes, modified: Date.now() }),
  age: async (blob, milliseconds) => {
    const object = s3.objects.get(keyOf(blob));
    if (object !== undefined) object.modified = Date.now() - milliseconds;
  },
  foreign: [
    's3://bucket/secret',
    's3://bucket/headwater',
    's3://bucket/headwater/',
    's3://bucket/headwater/../secret',
    's3://bucket/headwater//secret',
    's3://bucket/headwater/./secret',
    's3://bucket/headwater-of-others/secret',
    's3://bucket/headwater/a\\b',
    's3://bucket/headwater/a\nb',
    `s3://bucket/headwater/${'x'.repeat(1_100)}`,
    's3://Bucket/headwater/secret',
    's3://bucket.evil.example/headwater/secret',
    's3://user@bucket/headwater/secret',
  ],
}));

describe('a store on S3', () => {
  test('sends no request for a forbidden reference', async () => {
    const store = open();
    const blob = await store.put(Buffer.from('a picture'));
    s3.requests.length = 0;
    expect(await codeOf(store.get({ ...blob, uri: 's3://other/secret' }))).toBe('blob-forbidden');
    expect(s3.requests).toEqual([]);
  });

  test('does not rewrite an existing blob until it is a day old', async () => {
    const store = open();
    const bytes = Buffer.from('twice');
    const blob = await store.put(bytes);
    s3.requests.length = 0;
    await store.put(bytes);
    expect(s3.requests.map((line) => line.split(' ')[0])).toEqual(['HEAD']);
    const object = s3.objects.get(keyOf(blob));
    if (object !== undefined) object.modified -= 90_000_000;
    await store.put(bytes);
    expect(s3.requests.map((line) => line.split(' ')[0])).toEqual(['HEAD', 'HEAD', 'PUT']);
  });

  test('rejects blobs over its limit', async () => {
    const store = open();
    const blob = await store.put(Buffer.from('a picture'));
    s3.requests.length = 0;
    for (const [byteLength, code] of [
      [4_000_001, 'limit-exceeded'],
      [1e15, 'limit-exceeded'],
      [-1, 'blob-corrupt'],
      [0.5, 'blob-corrupt'],
      [Number.NaN, 'blob-corrupt'],
    ] as const) {
      expect(await codeOf(store.get({ ...blob, byteLength }))).toBe(code);
    }
    expect(s3.requests).toEqual([]);
  });
});

describe('when the store fails', () => {
  const stored = () => open().put(Buffer.from('a picture'));

  test('retries temporary errors', async () => {
    const blob = await stored();
    let failures = 0;
    s3.fault = (_request, response) => {
      if (failures++ >= 2) return false;
      fail(response, failures === 1 ? 500 : 503, failures === 1 ? 'InternalError' : 'SlowDown');
      return true;
    };
    expect((await open().get(blob)).toString()).toBe('a picture');
    expect(failures).toBe(3);
  });

  test('reports other errors as unavailable', async () => {
    const blob = await stored();
    s3.fault = (_request, response) => {
      fail(response, 500, 'InternalError');
      return true;
    };
    for (const error of await Promise.all(
      [open().get(blob), open().put(Buffer.from('new')), open().delete(blob.uri)].map(errorOf),
    )) {
      expect(error).toMatchObject({ code: 'blob-store-unavailable', verdict: 'retry' });
    }
  });

  test('retries an interrupted body, then reports it as unavailable', async () => {
    const blob = await stored();
    let broken = 0;
    const breakOff = (times: number) => {
      broken = 0;
      s3.fault = ({ method }, response) => {
        if (method !== 'GET' || broken >= times) return false;
        broken += 1;
        response.writeHead(200, { 'content-length': 9 });
        response.write('a pic', () => response.destroy());
        return true;
      };
    };
    breakOff(2);
    expect((await open().get(blob)).toString()).toBe('a picture');
    breakOff(99);
    expect(await errorOf(open().get(blob))).toMatchObject({
      code: 'blob-store-unavailable',
      verdict: 'retry',
    });
    expect(broken).toBe(3);
  });

  test('truncates an endless body at the stated length', async () => {
    const blob = await stored();
    let written = 0;
    s3.fault = ({ method }, response) => {
      if (method !== 'GET') return false;
      response.writeHead(200);
      const drip = setInterval(() => {
        written += 1_000;
        response.write('x'.repeat(1_000));
      }, 5);
      response.once('close', () => clearInterval(drip));
      return true;
    };
    expect(await codeOf(open().get(blob))).toBe('blob-corrupt');
    expect(written).toBeLessThan(100_000);
  });

  test('dead-letters a body with a wrong digest', async () => {
    const blob = await stored();
    s3.fault = ({ method }, response) => {
      if (method !== 'GET') return false;
      response.writeHead(200, { 'content-length': 9 }).end('a Picture');
      return true;
    };
    expect(await errorOf(open().get(blob))).toMatchObject({ code: 'blob-corrupt', verdict: 'dead-letter' });
  });

  test('ends a silent request in time', async () => {
    const blob = await stored();
    s3.fault = () => true;
    const begun = performance.now();
    for (const error of await Promise.all(
      [open(200).get(blob), open(200).put(Buffer.from('new')), open(200).delete(blob.uri)].map(errorOf),
    )) {
      expect(error).toMatchObject({ code: 'blob-store-unavailable', verdict: 'retry' });
    }
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test('ends an endless slow body in time', async () => {
    const store = open(300);
    const blob = await store.put(Buffer.alloc(100_000));
    s3.fault = ({ method }, response) => {
      if (method !== 'GET') return false;
      response.writeHead(200, { 'content-length': 100_000 });
      const drip = setInterval(() => response.write('x'), 20);
      response.once('close', () => clearInterval(drip));
      return true;
    };
    const begun = performance.now();
    expect(await errorOf(store.get(blob))).toMatchObject({ code: 'blob-store-unavailable' });
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test('reports a refused connection', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => gone.once('listening', resolve));
    const endpoint = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
    await new Promise((resolve) => gone.close(resolve));
    expect(await errorOf(open(5_000, endpoint).put(Buffer.from('new')))).toMatchObject({
      code: 'blob-store-unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test.each([
    [403, 'InvalidAccessKeyId', 'the store does not know the access key'],
    [403, 'SignatureDoesNotMatch', 'the secret key is wrong'],
    [404, 'NoSuchBucket', 'the bucket of BLOB_STORE does not exist'],
    [403, 'AccessDenied', 's3:GetObject'],
  ])('%i %s names the remedy, keeps the record, and contains no secret', async (status, code, words) => {
    const blob = await stored();
    s3.fault = ({ method }, response) => {
      fail(response, status, code, method === 'HEAD');
      return true;
    };
    const error = (await errorOf(open().get(blob))) as Error & { cause: Error };
    expect(error).toMatchObject({ code: 'blob-store-unavailable', verdict: 'retry' });
    expect(error.message).toContain(words);
    const messages = JSON.stringify([
      error.message,
      error.cause.message,
      error.cause,
      error.stack,
      error.cause.stack,
    ]);
    for (const hidden of [secret, 'test-access-key', 'secret of the store', 'Signature=']) {
      expect(messages).not.toContain(hidden);
    }
  });

  test('dead-letters a denied object in an accessible bucket', async () => {
    const blob = await stored();
    s3.fault = ({ method }, response) => {
      if (method !== 'GET') return false;
      fail(response, 403, 'AccessDenied');
      return true;
    };
    expect(await errorOf(open().get(blob))).toMatchObject({ code: 'blob-forbidden', verdict: 'dead-letter' });
  });
});

test('parses places literally', () => {
  expect(parseS3Place('s3://my-bucket')).toEqual({ bucket: 'my-bucket', prefix: '' });
  expect(parseS3Place('s3://my-bucket/')).toEqual({ bucket: 'my-bucket', prefix: '' });
  expect(parseS3Place('s3://my-bucket/a/b//')).toEqual({ bucket: 'my-bucket', prefix: 'a/b/' });
  for (const wrong of [
    's3://',
    's3://B',
    's3://a',
    's3://bucket/../x',
    's3://b?c',
    'https://bucket',
    's3://u:p@b/x',
  ]) {
    expect([wrong, parseS3Place(wrong)]).toEqual([wrong, undefined]);
  }
  expect(keyWithin({ bucket: 'bucket', prefix: '' }, 's3://bucket/any thing%20')).toBe('any thing%20');
});
