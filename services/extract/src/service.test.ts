import type { BlobStore } from '@headwater/blobs';
import { HeadwaterError } from '@headwater/errors';
import { openExtractor } from '@headwater/extractor-pipelines';
import { describeExtractor } from '@headwater/extractors';
import { createMemoryLog } from '@headwater/log';
import type { ServiceDependencies } from '@headwater/service-kit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startExtract } from './service.ts';
import { digitImage, extractor, imageReceived, openWorkplace, until } from './testing/extract-fixture.ts';

async function open() {
  const workplace = await openWorkplace(createMemoryLog(), 'test.');
  onTestFinished(() => workplace.close());
  return workplace;
}

type ExtractFixture = Awaited<ReturnType<typeof open>>;

async function start(
  workplace: ExtractFixture,
  environment: Readonly<Record<string, string>> = {},
  dependencies: Partial<ServiceDependencies> = {},
) {
  const all = { ...workplace.dependencies(), ...dependencies };
  const service = await startExtract(workplace.config({ PARTITIONS: '3', ...environment }), all);
  onTestFinished(() => service.stop());
  return { service, ...all };
}

/** Everything that was sent has become a vector, a tombstone or a dead letter. */
async function settled(workplace: ExtractFixture): Promise<void> {
  await until(async () => {
    const [sent, vectors, letters] = await Promise.all([
      workplace.imageRecords(),
      workplace.vectors(),
      workplace.deadLetters(),
    ]);
    return vectors.length + letters.length >= sent.length;
  });
}

describe('extract', () => {
  it('turns images into vectors that carry what the join needs', async () => {
    const workplace = await open();
    await start(workplace);
    const image = await digitImage(5);
    await workplace.send([{ key: 'five', value: workplace.codec.encode(imageReceived('five', image)) }]);
    await settled(workplace);
    const before = Date.now();
    const net = await openExtractor(extractor, { threads: 1 });
    const vector = await net.extract({ image, attributes: {} });
    await net.close();
    const { name, version, digest } = describeExtractor(extractor);
    const [record] = await workplace.imageRecords();
    const [found] = await workplace.vectors();
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
    const workplace = await open();
    const { metrics } = await start(workplace, { RECORDS_PER_COMMIT: '7' });
    const ids = Array.from({ length: 100 }, (_, index) => `image-${index}`);
    await workplace.sendImages(ids);
    await settled(workplace);
    const vectors = await workplace.vectors();
    expect(vectors.map(({ id }) => id).sort()).toEqual([...ids].sort());
    const sources = (await workplace.imageRecords()).map(
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
    const workplace = await open();
    await start(workplace);
    await workplace.sendImages(['kept', 'erased']);
    await workplace.send([{ key: 'erased', value: null }]);
    await settled(workplace);
    const vectors = await workplace.vectors();
    expect(vectors.filter(({ id }) => id === 'erased').map(({ value }) => value === null)).toEqual([
      false,
      true,
    ]);
    expect(vectors.filter(({ id }) => id === 'kept')).toHaveLength(1);
  });

  it('reads images by claim check', async () => {
    const workplace = await open();
    await start(workplace);
    const stored = await workplace.blobs.put(await digitImage(3));
    const image = imageReceived('large', stored);
    await workplace.send([{ key: 'large', value: workplace.codec.encode(image) }]);
    await settled(workplace);
    await workplace.sendImages(['inline'], 3);
    await settled(workplace);
    const [large, inline] = await workplace.vectors();
    expect(large?.value?.vector).toEqual(inline?.value?.vector);
  });

  it('goes on where another one stopped', async () => {
    const workplace = await open();
    const { service } = await start(workplace);
    await workplace.sendImages(['a', 'b', 'c']);
    await settled(workplace);
    await service.stop();
    await service.stopped;
    await workplace.sendImages(['d', 'e']);
    await start(workplace);
    await settled(workplace);
    expect((await workplace.vectors()).map(({ id }) => id).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('bad records', () => {
  it('become dead letters with their reasons, untouched, and their neighbours go through', async () => {
    const workplace = await open();
    const { names, codec, blobs } = workplace;
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
    await start(workplace, { PARTITIONS: '1', MAX_IMAGE_BYTES: '1999', BLOB_MISSING_AFTER: '0ms' });
    const records = bad.flatMap(([key, value], index) => [
      { key, value },
      { key: `good-${index}`, value: record(`good-${index}`, good) },
    ]);
    await workplace.send(records);
    await settled(workplace);
    const letters = await workplace.deadLetters();
    expect(letters).toEqual(
      bad.map(([, value, code, stage], index) => ({ code, stage, value, offset: String(index * 2) })),
    );
    expect((await workplace.vectors()).map(({ id }) => id)).toEqual(bad.map((_, index) => `good-${index}`));
    expect(await workplace.imageRecords()).toHaveLength(records.length);
    expect(names.topics.deadLetters(names.topics.images)).toBe('test.images-dlt');
  });
});

describe('what passes by itself', () => {
  it('waits for a blob store that does not answer, and loses nothing', async () => {
    const workplace = await open();
    let failures = 3;
    const blobs: BlobStore = {
      ...workplace.blobs,
      async get(blob, signal) {
        failures -= 1;
        if (failures >= 0) throw new HeadwaterError('blob-store-unavailable', 'not now');
        return await workplace.blobs.get(blob, signal);
      },
    };
    const { metrics } = await start(workplace, {}, { blobs });
    const stored = await workplace.blobs.put(await digitImage(2));
    await workplace.send([{ key: 'a', value: workplace.codec.encode(imageReceived('a', stored)) }]);
    await settled(workplace);
    expect(await workplace.deadLetters()).toEqual([]);
    expect((await metrics.render()).body).toContain(
      'headwater_extract_retries_total{code="blob-store-unavailable"} 3',
    );
  });
});

describe('what cannot be mended', () => {
  it('ends the service with its reason, and commits nothing of it', async () => {
    const workplace = await open();
    const blobs: BlobStore = {
      ...workplace.blobs,
      get: async () => {
        throw new HeadwaterError('store-unavailable', 'gone for good');
      },
    };
    const { service, health } = await start(workplace, {}, { blobs });
    const stored = await workplace.blobs.put(await digitImage(2));
    await workplace.send([{ key: 'a', value: workplace.codec.encode(imageReceived('a', stored)) }]);
    await expect(service.stopped).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(health.ready).toBe(false);
    await service.stop();
    expect(await workplace.deadLetters()).toEqual([]);
    await start(workplace);
    await settled(workplace);
    expect((await workplace.vectors()).map(({ id }) => id)).toEqual(['a']);
  });
});

describe('starting and stopping', () => {
  it('creates its topics only where it may', async () => {
    const workplace = await open();
    await expect(start(workplace, { TOPICS_CREATE: 'false' })).rejects.toMatchObject({
      code: 'topic-missing',
    });
    const { health } = await start(workplace);
    expect(health.report()).toMatchObject({ extraction: 'ok' });
    const { log } = workplace.dependencies();
    for (const topic of ['test.images', 'test.images-dlt', 'test.vectors.lenet-digits.v1']) {
      expect(await log.admin.partitions(topic)).toBe(3);
    }
  });

  it('is not ready any more once it has stopped', async () => {
    const workplace = await open();
    const { service, health } = await start(workplace);
    await service.stop();
    await service.stop();
    expect(health.ready).toBe(false);
  });
});
