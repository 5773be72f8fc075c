import { createHash } from 'node:crypto';
import { HeadwaterError } from '@headwater/errors';
import { deadLetterHeaders } from '@headwater/log';
import { type ImageReceived, openCodec } from '@headwater/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type IngestFixture, startIngestFixture } from '../testing/ingest-fixture.ts';
import { formats, makeNoise, makePicture, makePngBomb, svg } from '../testing/pictures.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

function post(
  fixture: IngestFixture,
  body: Buffer | FormData | string,
  query = '',
  headers: Record<string, string> = {},
) {
  return fetch(`${fixture.url}/v1/images${query}`, {
    method: 'POST',
    body: typeof body === 'string' || body instanceof FormData ? body : new Uint8Array(body),
    headers,
  });
}

async function readImages({ dependencies, read }: IngestFixture): Promise<ImageReceived[]> {
  const { images } = dependencies.names.topics;
  const codec = await openCodec(dependencies.schemaIds, 'ImageReceived', images);
  const records = (await read(images)).filter(({ value }) => value !== null);
  return Promise.all(records.map(({ value }) => codec.decode(value ?? Buffer.alloc(0))));
}

const problem = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const document = (await response.json()) as Record<string, unknown>;
  expect(document).toMatchObject({
    type: `urn:headwater:problem:${document.code}`,
    title: expect.any(String),
    status: response.status,
    detail: expect.any(String),
    instance: expect.stringMatching(/^\//),
  });
  return document;
};

let shared: IngestFixture;
beforeAll(async () => {
  shared = await startIngestFixture();
});
afterAll(() => shared.stop());

describe('POST /v1/images', () => {
  it.each(formats)('takes in a %s, whatever it is called', async (format) => {
    await using fixture = await startIngestFixture();
    const bytes = await makePicture(format);
    const id = sha256(bytes);
    const response = await post(fixture, bytes, '', { 'content-type': 'text/plain' });
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe(`/v1/images/${id}`);
    expect(await response.json()).toEqual({
      id,
      status: 'accepted',
      receivedAt: expect.any(Number),
      mediaType: `image/${format}`,
      width: 23,
      height: 17,
      byteLength: bytes.length,
    });
    expect(await readImages(fixture)).toMatchObject([{ id, content: bytes, mediaType: `image/${format}` }]);
  });

  it('writes the fields of the query', async () => {
    await using fixture = await startIngestFixture();
    const query =
      '?id=shop:42&task=product&label=T%C3%A9a%20pot&source=cam&group=scene-1&attribute.shelf=A%201';
    expect((await post(fixture, await makePicture('png'), query)).status).toBe(202);
    expect(await readImages(fixture)).toMatchObject([
      {
        id: 'shop:42',
        source: 'cam',
        group: 'scene-1',
        labels: { product: 'Téa pot' },
        attributes: { shelf: 'A 1' },
      },
    ]);
    const [record] = await fixture.read('images');
    expect(record?.key?.toString()).toBe('shop:42');
  });

  it('gives the same file the same id, and each record a time of its own', async () => {
    await using fixture = await startIngestFixture();
    const bytes = await makePicture('png');
    const responses = await Promise.all(Array.from({ length: 20 }, () => post(fixture, bytes)));
    const answers = (await Promise.all(responses.map((response) => response.json()))) as { id: string }[];
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([sha256(bytes)]));
    const records = await readImages(fixture);
    expect(new Set(records.map(({ receivedAt }) => receivedAt)).size).toBe(20);
  });

  it('stores large images in the blob store', async () => {
    await using fixture = await startIngestFixture({ environment: { INLINE_LIMIT_BYTES: '1000B' } });
    const bytes = await makeNoise(40, 40);
    expect((await post(fixture, bytes)).status).toBe(202);
    const [image] = await readImages(fixture);
    expect(image?.content).toMatchObject({ byteLength: bytes.length, sha256: sha256(bytes) });
    const stored = await fixture.dependencies.blobs.get(image?.content as never);
    expect(stored.equals(bytes)).toBe(true);
  });

  it('takes an image of several megabytes as it comes', async () => {
    await using fixture = await startIngestFixture();
    const bytes = await makeNoise(1_000, 1_000);
    expect(bytes.length).toBeGreaterThan(3_000_000);
    expect(await (await post(fixture, bytes)).json()).toMatchObject({
      id: sha256(bytes),
      byteLength: bytes.length,
    });
    const [image] = await readImages(fixture);
    expect(image?.content).toMatchObject({ byteLength: bytes.length });
  });

  it('takes a chunked body', async () => {
    await using fixture = await startIngestFixture();
    const bytes = await makeNoise(200, 200);
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 10_000) controller.enqueue(bytes.subarray(at, at + 10_000));
        controller.close();
      },
    });
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    const response = await fetch(`${fixture.url}/v1/images`, init);
    expect(await response.json()).toMatchObject({ id: sha256(bytes), byteLength: bytes.length });
  });
});

describe('bad images are 4xx problem documents, and their neighbours go through', () => {
  it('each by its own reason', async () => {
    await using fixture = await startIngestFixture({ environment: { MAX_IMAGE_BYTES: '100KB' } });
    const jpeg = await makePicture('jpeg');
    const png = await makePicture('png');
    const lossless = Buffer.from(jpeg);
    lossless[lossless.indexOf(Buffer.from([0xff, 0xc0])) + 1] = 0xc3;
    const cases: [Buffer, number, string][] = [
      [Buffer.alloc(0), 422, 'image-unreadable'],
      [Buffer.from('only text'), 415, 'image-type-unsupported'],
      [svg, 415, 'image-type-unsupported'],
      [jpeg.subarray(0, 20), 422, 'image-unreadable'],
      [png.subarray(0, png.length - 10), 422, 'image-unreadable'],
      [lossless, 415, 'image-type-unsupported'],
      [makePngBomb(30_000, 30_000), 413, 'image-too-large'],
      [Buffer.alloc(100_001, 0xff), 413, 'image-too-large'],
    ];
    for (const [bytes, status, code] of cases) {
      const response = await post(fixture, bytes, '', { 'content-type': 'image/png' });
      expect(response.status).toBe(status);
      expect(await problem(response)).toMatchObject({ code, instance: '/v1/images' });
      expect((await post(fixture, jpeg)).status).toBe(202);
    }
    expect((await readImages(fixture)).length).toBe(cases.length);
  });

  it('too many bytes are refused before they come, and while they come', async () => {
    await using fixture = await startIngestFixture({ environment: { MAX_IMAGE_BYTES: '10KB' } });
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(10_000)),
    });
    const init = { method: 'POST', body: endless, duplex: 'half' } as RequestInit;
    const outcome = await fetch(`${fixture.url}/v1/images`, init).then(
      (response) => response.status,
      // The client may see the end of the connection before it sees the answer.
      () => 413,
    );
    expect(outcome).toBe(413);
    expect(await readImages(fixture)).toEqual([]);
  });

  it.each([
    '?id=a%00b',
    '?id=%ff',
    '?id=..',
    `?id=${'%C3%BC'.repeat(513)}`,
    '?id=',
    '?label=7',
    '?task=digit',
    '?task=a%20&label=7',
    '?task=digit&label=%00',
    '?unknown=1',
    '?wait=forever',
    '?wait=prediction&timeout=0',
    '?wait=prediction&timeout=121',
    '?wait=prediction&timeout=soon',
    '?attribute.a%20b=1',
    `?attribute.a=${'x'.repeat(1_025)}`,
    '?id=a&id=b',
  ])('refuses the query %s', async (query) => {
    const response = await post(shared, await makePicture('png'), query);
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({ code: 'request-invalid' });
    expect(await readImages(shared)).toEqual([]);
  });
});

describe('forms', () => {
  async function form(files: Buffer[], fields: Record<string, string> = {}) {
    const data = new FormData();
    for (const bytes of files) data.append('file', new Blob([new Uint8Array(bytes)]), 'a.png');
    for (const [name, value] of Object.entries(fields)) data.append(name, value);
    return data;
  }

  it('carry one file, with fields that go before the query', async () => {
    await using fixture = await startIngestFixture();
    const bytes = await makePicture('png');
    const fields = { id: 'a1', task: 'digit', label: '7', 'attribute.camera': 'x' };
    const response = await post(fixture, await form([bytes], fields), '?id=other&source=form');
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe('/v1/images/a1');
    expect(await response.json()).toMatchObject({ id: 'a1', mediaType: 'image/png' });
    expect(await readImages(fixture)).toMatchObject([
      { id: 'a1', source: 'form', labels: { digit: '7' }, attributes: { camera: 'x' }, content: bytes },
    ]);
  });

  it('carry several files', async () => {
    await using fixture = await startIngestFixture();
    const files = [await makePicture('png'), await makePicture('jpeg'), await makeNoise(200, 200)];
    const response = await post(fixture, await form(files, { group: 'together' }));
    expect(response.status).toBe(202);
    const { images } = (await response.json()) as { images: { id: string }[] };
    expect(images.map(({ id }) => id)).toEqual(files.map(sha256));
    expect((await readImages(fixture)).map(({ group }) => group)).toEqual([
      'together',
      'together',
      'together',
    ]);
  });

  it('are refused as a whole for one bad file', async () => {
    await using fixture = await startIngestFixture({ environment: { MAX_FORM_FILES: '3' } });
    const png = await makePicture('png');
    const refusals: [FormData | string, string, string?][] = [
      [await form([png, svg]), 'image-type-unsupported'],
      [await form([]), 'request-invalid'],
      [await form([png, png], { id: 'a' }), 'request-invalid'],
      [await form([png, png, png, png]), 'request-invalid'],
      [await form([png], { id: 'a\u0000b' }), 'request-invalid'],
      [await form([png], { lable: '7' }), 'request-invalid'],
      ['nonsense', 'request-invalid', 'multipart/form-data; boundary=x'],
      ['nonsense', 'request-invalid', 'multipart/form-data'],
      [
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut',
        'request-invalid',
        'multipart/form-data; boundary=x',
      ],
    ];
    for (const [body, code, type] of refusals) {
      const response = await post(fixture, body, '', type === undefined ? {} : { 'content-type': type });
      expect(await problem(response)).toMatchObject({ code });
    }
    expect(await readImages(fixture)).toEqual([]);
  });

  it('answer with the predictions of each', async () => {
    await using fixture = await startIngestFixture({ environment: { TASKS: 'digit' } });
    const files = [await makePicture('png'), await makePicture('jpeg')];
    const answer = post(fixture, await form(files), '?wait=prediction');
    const images = await eventually(async () => {
      const found = await readImages(fixture);
      return found.length === 2 ? found : undefined;
    });
    for (const { id, receivedAt } of images) await fixture.predict({ imageId: id, receivedAt, label: '7' });
    const response = await answer;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      images: files.map((bytes) => ({
        id: sha256(bytes),
        status: 'classified',
        predictions: [{ label: '7' }],
      })),
    });
  });
});

describe('wait=prediction', () => {
  const head = { kind: 'lda', version: 3, digest: 'd' } as const;

  it('returns the prediction of this record', async () => {
    await using fixture = await startIngestFixture({ environment: { TASKS: 'digit' } });
    const bytes = await makePicture('png');
    const answer = post(fixture, bytes, '?wait=prediction&timeout=60');
    const [image] = await eventually(async () => {
      const images = await readImages(fixture);
      return images.length > 0 ? images : undefined;
    });
    const { id, receivedAt } = image ?? { id: '', receivedAt: 0 };
    await fixture.predict({ imageId: id, receivedAt: receivedAt - 1, label: 'of a former record' });
    await fixture.predict({ imageId: id, receivedAt, task: 'style', label: 'of another task' });
    await fixture.predict({
      imageId: id,
      receivedAt,
      head,
      label: '7',
      probabilities: { 7: 0.9, 1: 0.1 },
      novelty: 0.25,
    });
    const response = await answer;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      id,
      status: 'classified',
      predictions: [
        { task: 'style' },
        { task: 'digit', head, label: '7', probabilities: { 7: 0.9, 1: 0.1 }, novelty: 0.25 },
      ],
    });
  });

  it('returns 202 after the timeout, with the image in the log', async () => {
    await using fixture = await startIngestFixture({ environment: { TASKS: 'digit' } });
    const response = await post(fixture, await makePicture('png'), '?wait=prediction&timeout=0.05');
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toMatch(/^\/v1\/images\/[0-9a-f]{64}$/);
    expect(await response.json()).toMatchObject({ status: 'accepted' });
  });

  it('returns the reason of a dead letter', async () => {
    await using fixture = await startIngestFixture({ environment: { TASKS: 'digit', EXTRACTORS: 'e.v1' } });
    const answer = post(fixture, await makePicture('png'), '?wait=prediction&timeout=60&id=broken');
    const [record] = await eventually(async () => {
      const records = await fixture.read('images');
      return records.length > 0 ? records : undefined;
    });
    const { code, message } = new HeadwaterError('extractor-failed', 'the worker died of it');
    await fixture.write({
      topic: 'images-dlt',
      key: record?.key ?? null,
      value: record?.value ?? null,
      headers: {
        [deadLetterHeaders.stage]: 'extract',
        [deadLetterHeaders.exceptionClass]: code,
        [deadLetterHeaders.exceptionMessage]: message,
      },
    });
    const response = await answer;
    expect(response.status).toBe(422);
    expect(await problem(response)).toMatchObject({ code, detail: message, id: 'broken', stage: 'extract' });
    expect(await (await fetch(`${fixture.url}/v1/images/broken`)).json()).toMatchObject({
      status: 'dead-lettered',
      deadLetter: { code, reason: message, stage: 'extract', topic: 'images-dlt' },
    });
  });

  it('ends when the service stops, so that the process can', async () => {
    const fixture = await startIngestFixture({ environment: { TASKS: 'digit' } });
    const answer = post(fixture, await makePicture('png'), '?wait=prediction&timeout=120');
    await eventually(async () => ((await fixture.read('images')).length > 0 ? true : undefined));
    await fixture.stop();
    expect((await answer).status).toBe(202);
    await expect(fetch(fixture.url)).rejects.toThrow();
  });
});
