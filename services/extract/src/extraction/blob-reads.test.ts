import { HeadwaterError } from '@headwater/errors';
import { expect, it } from 'vitest';
import { BlobReads } from './blob-reads.ts';

const missing = new HeadwaterError('blob-missing', 'the blob does not exist');
const away = new HeadwaterError('blob-store-unavailable', 'away');
const context = { refused: true };
const refusedBlob = new HeadwaterError('blob-forbidden', 'refused', { context });
const refusedBucket = new HeadwaterError('blob-store-unavailable', 'AccessDenied', { context });
const outside = new HeadwaterError('blob-forbidden', 'outside');

function open() {
  const state = { now: 1_000_000, failures: new Map<string, HeadwaterError>() };
  const firsts: string[] = [];
  const reads = new BlobReads({
    blobs: {
      get: async ({ uri }) => {
        const failure = state.failures.get(uri);
        if (failure !== undefined) throw failure;
        return Buffer.from(uri);
      },
    },
    missingAfterMs: 10_000,
    failed: ({ image, isFirst }) => void (isFirst && firsts.push(image)),
    now: () => state.now,
  });
  /** `read` or the code and the verdict. */
  const read = (uri: string, timestamp = state.now) =>
    reads.get({ uri, byteLength: 1, sha256: '' }, { image: `image-${uri}`, record: { timestamp } }).then(
      () => 'read',
      ({ code, verdict }: HeadwaterError) => `${code} ${verdict}`,
    );
  return { state, firsts, read };
}

it('waits for a missing blob until the bound, and reports it once', async () => {
  const { state, firsts, read } = open();
  state.failures.set('a', missing);
  expect(await read('a')).toBe('blob-missing retry');
  state.now += 9_999;
  expect(await read('a')).toBe('blob-missing retry');
  state.now += 1;
  expect(await read('a')).toBe('blob-missing dead-letter');
  expect(firsts).toEqual(['image-a']);
});

it('does not wait for a missing blob whose record is older than the bound', async () => {
  const { state, read } = open();
  state.failures.set('a', missing);
  expect(await read('a', state.now - 10_000)).toBe('blob-missing dead-letter');
});

it('reads a blob that appears before the bound', async () => {
  const { state, read } = open();
  state.failures.set('a', missing);
  expect(await read('a')).toBe('blob-missing retry');
  state.failures.clear();
  expect(await read('a')).toBe('read');
});

it.each([
  ['the store', away],
  ['a bucket that refuses all', refusedBucket],
  ['a blob that is refused while no other one is read', refusedBlob],
])('waits for %s without a bound', async (_, failure) => {
  const { state, read } = open();
  expect(await read('b')).toBe('read');
  state.now += 1;
  state.failures.set('a', failure);
  for (let hour = 0; hour < 100; hour += 1) {
    expect(await read('a')).toMatch(/ retry$/);
    state.now += 3_600_000;
  }
});

it.each([refusedBlob, refusedBucket])(
  'gives up a refused blob after the bound while others are read',
  async (failure) => {
    const { state, read } = open();
    state.failures.set('a', failure);
    expect(await read('a')).toMatch(/ retry$/);
    expect(await read('b')).toBe('read');
    state.now += 9_999;
    expect(await read('a')).toMatch(/ retry$/);
    state.now += 1;
    expect(await read('a')).toBe('blob-forbidden dead-letter');
  },
);

it('gives up a reference to another place at once', async () => {
  const { state, read } = open();
  state.failures.set('a', outside);
  expect(await read('a')).toBe('blob-forbidden dead-letter');
});
