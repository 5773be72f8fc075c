import type { BlobStore } from '@headwater/blobs';
import { HeadwaterError } from '@headwater/errors';
import { openExtractor } from '@headwater/extractor-pipelines';
import { describeExtractor } from '@headwater/extractors';
import { createMemoryLog } from '@headwater/log';
import type { ServiceDependencies } from '@headwater/service-kit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startExtract } from './service.ts';
import {
  digitImage,
  extractor,
  imageReceived,
  openExtractFixture,
  until,
} from './testing/extract-fixture.ts';

async function open() {
  const fixture = await openExtractFixture(createMemoryLog(), 'test.');
  onTestFinished(() => fixture.close());
  return fixture;
}

type ExtractFixture = Awaited<ReturnType<typeof open>>;

async function start(
  fixture: ExtractFixture,
  environment: Readonly<Record<string, string>> = {},
  dependencies: Partial<ServiceDependencies> = {},
) {
  const all = { ...fixture.dependencies(), ...dependencies };
  const service = await startExtract(fixture.config({ PARTITIONS: '3', ...environment }), all);
  onTestFinished(() => service.stop());
  return { service, ...all };
}

/** Everything that was sent has become a vector, a tombstone or a dead letter. */
async function settled(fixture: ExtractFixture): Promise<void> {
  await until(async () => {
    const [sent, vectors, letters] = await Promise.all([
      fixture.imageRecords(),
      fixture.vectors(),
      fixture.deadLetters(),
    ]);
    return vectors.length + letters.length >= sent.length;
  });
}

describe('extract', () => {
  it('turns images into vectors with the fields that the join needs', async () => {
    const fixture = await open();
    await start(fixture);
    const image = await digitImage(5);
    await fixture.send([{ key: 'five', value: fixture.codec.encode(imageReceived('five', image)) }]);
    await settled(fixture);
    const before = Date.now();
    const net = await openExtractor(extractor, { threads: 1 });
    const vector = await net.extract({ image, attributes: {} });
    await net.close();
    const { name, version, digest } = describeExtractor(extractor);
    const [record] = await fixture.imageRecords();
    const [found] = await fixture.vectors();
    expect(found).toEqual({
      id: 'five',
      source: `test.images/${record?.partition}/0`,
      value: {
        imageId: 'five',
        extractor: { name, version, digest },
        vector,
        labels: { digit: '7' },
        group: 'a group',
        source: 'a test',
        receivedAt: 1_700_000_000_000,
        extractedAt: expect.any(Number),
      },
    });
    expect(Math.abs((found?.value?.extractedAt ?? 0) - before)).toBeLessThan(60_000);
  });

  it('makes one vector of every record, across partitions', async () => {
    const fixture = await open();
    const { metrics } = await start(fixture, { RECORDS_PER_COMMIT: '7' });
    const ids = Array.from({ length: 100 }, (_, index) => `image-${index}`);
    await fixture.sendImages(ids);
    await settled(fixture);
    const vectors = await fixture.vectors();
    expect(vectors.map(({ id }) => id).sort()).toEqual([...ids].sort());
    const sources = (await fixture.imageRecords()).map(
      ({ topic, partition, offset }) => `${topic}/${partition}/${offset}`,
    );
    expect(vectors.map(({ source }) => source).sort()).toEqual(sources.sort());
    const counted = async () => (await metrics.render()).body;
    await until(async () =>
      (await counted()).includes('headwater_extract_records_total{outcome="vector"} 100'),
    );
    expect(await counted()).toMatch(/headwater_extractor_info\{extractor="lenet-digits\.v1".*\} 1/);
  });

  it('erases a vector when the image is erased, in order', async () => {
    const fixture = await open();
    await start(fixture);
    await fixture.sendImages(['kept', 'erased']);
    await fixture.send([{ key: 'erased', value: null }]);
    await settled(fixture);
    const vectors = await fixture.vectors();
    expect(vectors.filter(({ id }) => id === 'erased').map(({ value }) => value === null)).toEqual([
      false,
      true,
    ]);
    expect(vectors.filter(({ id }) => id === 'kept')).toHaveLength(1);
  });

  it('reads images by claim check', async () => {
    const fixture = await open();
    await start(fixture);
    const stored = await fixture.blobs.put(await digitImage(3));
    const image = imageReceived('large', stored);
    await fixture.send([{ key: 'large', value: fixture.codec.encode(image) }]);
    await settled(fixture);
    await fixture.sendImages(['inline'], 3);
    await settled(fixture);
    const [large, inline] = await fixture.vectors();
    expect(large?.value?.vector).toEqual(inline?.value?.vector);
  });

  it('goes on where another one stopped', async () => {
    const fixture = await open();
    const { service } = await start(fixture);
    await fixture.sendImages(['a', 'b', 'c']);
    await settled(fixture);
    await service.stop();
    await service.stopped;
    await fixture.sendImages(['d', 'e']);
    await start(fixture);
    await settled(fixture);
    expect((await fixture.vectors()).map(({ id }) => id).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('bad records', () => {
  it('become dead letters with their reasons, untouched, and their neighbours go through', async () => {
    const fixture = await open();
    const { names, codec, blobs } = fixture;
    const good = await digitImage(1);
    const record = (id: string, content: Buffer) => codec.encode(imageReceived(id, content));
    const stored = await blobs.put(good);
    const reference = (change: object) => codec.encode(imageReceived('x', { ...stored, ...change }));
    const bad: readonly (readonly [key: string | null, value: Buffer | null, code: string, stage: string])[] =
      [
        ['x', Buffer.alloc(0), 'record-empty', 'decode'],
        ['x', Buffer.from('not Avro at all'), 'wire-format-invalid', 'decode'],
        ['x', Buffer.from([0, 0, 0, 0, 9, 1, 2, 3]), 'schema-unknown', 'decode'],
        ['x', record('x', good).subarray(0, 40), 'avro-invalid', 'decode'],
        ['y', record('x', good), 'record-invalid', 'decode'],
        [null, record('x', good), 'record-invalid', 'decode'],
        ['', record('', good), 'record-invalid', 'decode'],
        [null, null, 'record-invalid', 'decode'],
        ['a\u0000', record('a\u0000', good), 'record-invalid', 'decode'],
        ['a\nb', null, 'record-invalid', 'decode'],
        ['..', null, 'record-invalid', 'decode'],
        ['ü'.repeat(513), record('ü'.repeat(513), good), 'record-invalid', 'decode'],
        ['x', record('x', good.subarray(0, 60)), 'image-unreadable', 'extract'],
        ['x', record('x', Buffer.from('text, whatever its name')), 'image-type-unsupported', 'extract'],
        [
          'x',
          record('x', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')),
          'image-type-unsupported',
          'extract',
        ],
        ['x', record('x', Buffer.alloc(0)), 'image-unreadable', 'extract'],
        ['x', record('x', Buffer.alloc(2_000)), 'image-too-large', 'extract'],
        ['x', reference({ byteLength: 2_000 }), 'image-too-large', 'extract'],
        ['x', reference({ sha256: '0'.repeat(64) }), 'blob-corrupt', 'extract'],
        ['x', reference({ uri: stored.uri.slice(0, -64) + 'f'.repeat(64) }), 'blob-missing', 'extract'],
        ['x', reference({ uri: 'file:///etc/hostname' }), 'blob-forbidden', 'extract'],
      ];
    await start(fixture, { PARTITIONS: '1', MAX_IMAGE_BYTES: '1999', BLOB_MISSING_AFTER: '0ms' });
    const records = bad.flatMap(([key, value], index) => [
      { key, value },
      { key: `good-${index}`, value: record(`good-${index}`, good) },
    ]);
    await fixture.send(records);
    await settled(fixture);
    const letters = await fixture.deadLetters();
    expect(letters).toEqual(
      bad.map(([, value, code, stage], index) => ({ code, stage, value, offset: String(index * 2) })),
    );
    expect((await fixture.vectors()).map(({ id }) => id)).toEqual(bad.map((_, index) => `good-${index}`));
    expect(await fixture.imageRecords()).toHaveLength(records.length);
    expect(names.topics.deadLetters(names.topics.images)).toBe('test.images-dlt');
  });
});

describe('transient errors', () => {
  it('waits for a blob store that does not respond, and loses nothing', async () => {
    const fixture = await open();
    let failures = 3;
    const blobs: BlobStore = {
      ...fixture.blobs,
      async get(blob, signal) {
        failures -= 1;
        if (failures >= 0) throw new HeadwaterError('blob-store-unavailable', 'not now');
        return await fixture.blobs.get(blob, signal);
      },
    };
    const { metrics } = await start(fixture, {}, { blobs });
    const stored = await fixture.blobs.put(await digitImage(2));
    await fixture.send([{ key: 'a', value: fixture.codec.encode(imageReceived('a', stored)) }]);
    await settled(fixture);
    expect(await fixture.deadLetters()).toEqual([]);
    expect((await metrics.render()).body).toContain(
      'headwater_extract_retries_total{code="blob-store-unavailable"} 3',
    );
  });
});

describe('permanent errors', () => {
  it('ends the service with its reason, and commits nothing of it', async () => {
    const fixture = await open();
    const blobs: BlobStore = {
      ...fixture.blobs,
      get: async () => {
        throw new HeadwaterError('store-unavailable', 'gone for good');
      },
    };
    const { service, health } = await start(fixture, {}, { blobs });
    const stored = await fixture.blobs.put(await digitImage(2));
    await fixture.send([{ key: 'a', value: fixture.codec.encode(imageReceived('a', stored)) }]);
    await expect(service.stopped).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(health.ready).toBe(false);
    await service.stop();
    expect(await fixture.deadLetters()).toEqual([]);
    await start(fixture);
    await settled(fixture);
    expect((await fixture.vectors()).map(({ id }) => id)).toEqual(['a']);
  });
});

describe('starting and stopping', () => {
  it('creates its topics only where it may', async () => {
    const fixture = await open();
    await expect(start(fixture, { TOPICS_CREATE: 'false' })).rejects.toMatchObject({
      code: 'topic-missing',
    });
    const { health } = await start(fixture);
    expect(health.report()).toMatchObject({ extraction: 'ok' });
    const { log } = fixture.dependencies();
    for (const topic of ['test.images', 'test.images-dlt', 'test.vectors.lenet-digits.v1']) {
      expect(await log.admin.partitions(topic)).toBe(3);
    }
  });

  it('is not ready any more once it has stopped', async () => {
    const fixture = await open();
    const { service, health } = await start(fixture);
    await service.stop();
    await service.stop();
    expect(health.ready).toBe(false);
  });
});
