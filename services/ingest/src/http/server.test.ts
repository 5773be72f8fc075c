import { createConnection } from 'node:net';
import { openCodec } from '@headwater/schemas';
import { describe, expect, it } from 'vitest';
import { eventually, startIngestFixture } from '../testing/ingest-fixture.ts';
import { makeNoise, makePicture } from '../testing/pictures.ts';

describe('GET /v1/images/{id}', () => {
  it('follows an image to its predictions', async () => {
    await using fixture = await startIngestFixture();
    const at = `${fixture.url}/v1/images/a`;
    expect((await fetch(at)).status).toBe(404);
    const body = new Uint8Array(await makePicture('png'));
    const posted = await fetch(`${fixture.url}/v1/images?id=a`, { method: 'POST', body });
    const { receivedAt } = (await posted.json()) as { receivedAt: number };
    expect(await (await fetch(at)).json()).toMatchObject({
      id: 'a',
      status: 'accepted',
      receivedAt,
      width: 23,
    });
    await fixture.predict({ imageId: 'a', receivedAt, label: '7' });
    const found = await eventually(async () => {
      const image = (await (await fetch(at)).json()) as { status: string };
      return image.status === 'classified' ? image : undefined;
    });
    expect(found).toMatchObject({ receivedAt, predictions: [{ task: 'digit', label: '7' }] });
  });

  it('is not blocked by an unreadable prediction', async () => {
    await using fixture = await startIngestFixture();
    await fixture.write({ topic: 'predictions', key: 'x', value: Buffer.from('nonsense') });
    await fixture.write({ topic: 'images-dlt', key: null, value: null });
    await fixture.predict({ imageId: 'a', receivedAt: 5 });
    await eventually(async () =>
      (await fetch(`${fixture.url}/v1/images/a`)).status === 200 ? true : undefined,
    );
  });
});

describe('DELETE /v1/images/{id}', () => {
  it('publishes the tombstone and deletes the blob of the image', async () => {
    await using fixture = await startIngestFixture({ environment: { INLINE_LIMIT_BYTES: '0' } });
    const bytes = new Uint8Array(await makeNoise(30, 30));
    const ids: string[] = [];
    for (const query of ['', '?id=named']) {
      const response = await fetch(`${fixture.url}/v1/images${query}`, { method: 'POST', body: bytes });
      ids.push(((await response.json()) as { id: string }).id);
    }
    const [own = '', named = ''] = ids;
    const codec = await openCodec(fixture.dependencies.schemaIds, 'ImageReceived', 'images');
    const record = (await fixture.read('images')).find(({ key }) => String(key) === own);
    const { content } = await codec.decode(record?.value ?? Buffer.alloc(0));
    const { blobs } = fixture.dependencies;

    expect((await fetch(`${fixture.url}/v1/images/${named}`, { method: 'DELETE' })).status).toBe(202);
    await expect(blobs.get(content as never)).resolves.toBeDefined();
    const response = await fetch(`${fixture.url}/v1/images/${own}`, { method: 'DELETE' });
    expect(await response.json()).toEqual({ id: own, status: 'erased' });
    await expect(blobs.get(content as never)).rejects.toMatchObject({ code: 'blob-missing' });
    const tombstones = (await fixture.read('images')).filter(({ value }) => value === null);
    expect(new Set(tombstones.map(({ key }) => key?.toString()))).toEqual(new Set([own, named]));
    expect(await (await fetch(`${fixture.url}/v1/images/${own}`)).json()).toMatchObject({ status: 'erased' });
  });

  it('deletes the blob of an image that another process accepted', async () => {
    await using fixture = await startIngestFixture();
    const { blobs } = fixture.dependencies;
    const [blob, other] = [await blobs.put(Buffer.from('one')), await blobs.put(Buffer.from('other'))];
    await fetch(`${fixture.url}/v1/images/${blob.sha256}`, { method: 'DELETE' });
    await expect(blobs.get(blob)).rejects.toMatchObject({ code: 'blob-missing' });
    await expect(blobs.get(other)).resolves.toBeDefined();
  });
});

describe('the rest', () => {
  it('serves every schema of a record in the form of a registry', async () => {
    await using fixture = await startIngestFixture();
    const codec = await openCodec(fixture.dependencies.schemaIds, 'LabelAssigned', 'labels');
    const response = await fetch(`${fixture.url}/schemas/ids/${codec.id}`);
    const { schema } = (await response.json()) as { schema: string };
    expect(JSON.parse(schema)).toMatchObject({ type: 'record', name: 'LabelAssigned' });
    const alone = await fetch(`${fixture.url}/schemas/ids/${codec.id}/schema`);
    expect(await alone.json()).toEqual(JSON.parse(schema));
    const unknown = await fetch(`${fixture.url}/schemas/ids/1`);
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      { error_code: 40403, message: 'Schema not found' },
    ]);
    expect((await fetch(`${fixture.url}/schemas/ids/x`)).status).toBe(400);
    expect(await (await fetch(`${fixture.url}/schemas/types`)).json()).toEqual(['AVRO']);
  });

  it('describes itself', async () => {
    await using fixture = await startIngestFixture();
    expect(await (await fetch(fixture.url)).json()).toMatchObject({ openapi: '/openapi.json' });
    const document = (await (await fetch(`${fixture.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { requestBody?: { content: object } }>>;
    };
    expect(
      Object.entries(document.paths)
        .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`))
        .sort(),
    ).toEqual([
      'delete /v1/images/{id}',
      'delete /v1/images/{id}/labels/{task}',
      'get /schemas/ids/{id}',
      'get /schemas/ids/{id}/schema',
      'get /schemas/types',
      'get /v1/images/{id}',
      'post /v1/images',
      'post /v1/labels',
      'put /v1/images/{id}/labels/{task}',
    ]);
    const bodies = ['/v1/images', '/v1/labels'].map(
      (path) => document.paths[path]?.post?.requestBody?.content ?? {},
    );
    expect(bodies.map(Object.keys)).toEqual([
      ['image/*', 'application/octet-stream', 'multipart/form-data'],
      ['text/csv', 'application/x-ndjson', 'application/jsonl'],
    ]);
  });

  it('returns a problem for unknown paths and methods', async () => {
    await using fixture = await startIngestFixture();
    for (const [method, path] of [
      ['GET', '/nope'],
      ['PATCH', '/v1/images'],
      ['GET', '/v1/images/%zz'],
    ] as const) {
      const response = await fetch(fixture.url + path, { method });
      expect([404, 400]).toContain(response.status);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
    }
  });

  it('returns a problem for malformed requests', async () => {
    await using fixture = await startIngestFixture();
    const say = (text: string) =>
      new Promise<string>((resolve) => {
        const socket = createConnection(Number(new URL(fixture.url).port), '127.0.0.1');
        let answer = '';
        socket.on('data', (data) => {
          answer += data.toString();
        });
        socket.once('close', () => resolve(answer));
        socket.write(text);
      });
    expect(await say('good morning\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 .*application\/problem\+json.*request-invalid/s,
    );
    const long = `GET /v1/images/a?x=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    expect(await say(long)).toMatch(/^HTTP\/1.1 431 .*application\/problem\+json/s);
  });

  it('reports a port in use', async () => {
    await using fixture = await startIngestFixture();
    const { port } = new URL(fixture.url);
    await expect(startIngestFixture({ environment: { HTTP_PORT: port } })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('is in use by another program'),
    });
  });

  it('counts received images and labels', async () => {
    await using fixture = await startIngestFixture();
    const body = new Uint8Array(await makePicture('png'));
    await fetch(`${fixture.url}/v1/images`, { method: 'POST', body });
    await fetch(`${fixture.url}/v1/images`, { method: 'POST', body: 'text' });
    const { body: metrics } = await fixture.dependencies.metrics.render();
    expect(metrics).toContain('headwater_ingest_images_total{result="accepted"} 1');
    expect(metrics).toContain('headwater_ingest_images_total{result="image-type-unsupported"} 1');
    expect(metrics).toContain(`headwater_ingest_image_bytes_total ${body.length}`);
    expect(metrics).toMatch(/headwater_http_request_seconds_count\{.*route="\/v1\/images",status="202"\} 1/);
  });
});
