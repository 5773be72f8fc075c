/** From a URL to the key of a record: one id, whatever it is made of, for every route that names an image. */
import { type IncomingMessage, request } from 'node:http';
import { imageIdProblem } from '@headwater/schemas';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type IngestFixture, startIngestFixture } from '../testing/ingest-fixture.ts';
import { makePicture } from '../testing/pictures.ts';

let fixture: IngestFixture;
beforeAll(async () => {
  fixture = await startIngestFixture();
});
afterAll(() => fixture.stop());

const path = (id: string) => `/v1/images/${encodeURIComponent(id)}`;
const json = { 'content-type': 'application/json' };
const label = { method: 'PUT', body: JSON.stringify({ label: '7' }), headers: json };

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string; readonly detail?: string; readonly id?: string };
}

/** Sends the path as it stands: `fetch` would resolve its dots first. */
async function ask(method: string, rawPath: string): Promise<Answer> {
  const { hostname, port } = new URL(fixture.url);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ hostname, port, path: rawPath, method }, resolve).on('error', reject).end();
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) };
}

const odd = fc.constantFrom(
  '/',
  '%',
  '%2F',
  '%25',
  '%00',
  '..',
  '.',
  '?',
  '#',
  ';',
  '+',
  ' ',
  '\\',
  '&',
  '=',
  ':',
  '@',
);
const idOf = fc
  .array(
    fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 6 }), fc.string({ unit: 'grapheme', maxLength: 6 })),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((parts) => parts.join(''))
  .filter((id) => imageIdProblem(id) === undefined);

const keysOf = async (topic: string) => (await fixture.read(topic)).map(({ key }) => key?.toString());

describe('ids of images', () => {
  it('come from the URL to the key of the record as they are', async () => {
    const { images, labels } = fixture.dependencies.names.topics;
    const sent: string[] = [];
    const property = fc.asyncProperty(idOf, async (id) => {
      const erased = await fetch(fixture.url + path(id), { method: 'DELETE' });
      expect([erased.status, await erased.json()]).toEqual([202, { id, status: 'erased' }]);
      expect(erased.headers.get('location')).toBe(path(id));
      const labelled = await fetch(`${fixture.url}${path(id)}/labels/digit`, label);
      expect([labelled.status, await labelled.json()]).toMatchObject([202, { imageId: id }]);
      sent.push(id);
    });
    await fc.assert(property, { numRuns: 80 });
    expect((await keysOf(images)).sort()).toEqual([...sent].sort());
    expect((await keysOf(labels)).sort()).toEqual([...sent].sort());
  });

  it.each(['/'.repeat(1_024), 'ü'.repeat(512), '😀'.repeat(256), 'cam-1/2026/11/23.png', 'a/../b', '%252F'])(
    'name an image for every route: %s',
    async (id) => {
      const body = new Uint8Array(await makePicture('png'));
      const sent = await fetch(`${fixture.url}/v1/images?${new URLSearchParams({ id })}`, {
        method: 'POST',
        body,
      });
      expect(sent.status).toBe(202);
      // The answer says where the image is.
      const place = fixture.url + sent.headers.get('location');
      expect(await (await fetch(place)).json()).toMatchObject({ id, status: 'accepted' });
      await fixture.predict({
        imageId: id,
        receivedAt: ((await sent.json()) as { receivedAt: number }).receivedAt,
      });
      const found = async () =>
        ((await (await fetch(place)).json()) as { status: string }).status === 'classified';
      await eventually(found);
      expect((await fetch(`${place}/labels/digit`, label)).status).toBe(202);
      expect((await fetch(`${place}/labels/digit`, { method: 'DELETE' })).status).toBe(202);
      expect((await fetch(place, { method: 'DELETE' })).status).toBe(202);
      expect(await (await fetch(place)).json()).toMatchObject({ id, status: 'erased' });
    },
  );

  it('are taken from forms and from files of labels', async () => {
    const ids = ['forms/ü 1', 'lines/"2"', 'csv/"3", % '];
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(await makePicture('png'))]), 'a.png');
    form.append('id', ids[0] ?? '');
    expect((await fetch(`${fixture.url}/v1/images`, { method: 'POST', body: form })).status).toBe(202);
    const files = [
      ['application/x-ndjson', JSON.stringify({ imageId: ids[1], task: 'digit', label: '7' })],
      ['text/csv', `imageId,task,label\n"${ids[2]?.replaceAll('"', '""')}",digit,7`],
    ];
    for (const [type = '', body = ''] of files) {
      const init = { method: 'POST', body, headers: { 'content-type': type } };
      const report = await (await fetch(`${fixture.url}/v1/labels`, init)).json();
      expect(report).toEqual({ accepted: 1, rejected: 0, errors: [] });
    }
    const { images, labels } = fixture.dependencies.names.topics;
    expect(await keysOf(images)).toContain(ids[0]);
    expect(await keysOf(labels)).toEqual(expect.arrayContaining(ids.slice(1)));
  });

  it.each([
    ['%00', 'control characters'],
    ['a%0Ab', 'control characters'],
    ['%C2%85', 'control characters'],
    ['.', 'relative path segment'],
    ['%2E', 'relative path segment'],
    ['%2e%2E', 'relative path segment'],
    ['%ff', 'not a valid url'],
    ['%ED%A0%80', 'not a valid url'],
    ['%', 'not a valid url'],
    ['%C3%BC'.repeat(513), '1024 bytes'],
    ['%2F'.repeat(1_025), '1024 characters'],
    ['a'.repeat(4_000), '1024 characters'],
    ['', 'fewer than 1'],
  ])('are refused with the reason: %s', async (segment, reason) => {
    for (const [method, rest] of [
      ['GET', ''],
      ['DELETE', ''],
      ['DELETE', '/labels/digit'],
    ] as const) {
      const { status, body } = await ask(method, `/v1/images/${segment}${rest}`);
      expect([status, body.code]).toEqual([400, 'request-invalid']);
      expect(body.detail).toContain(reason);
    }
  });

  it.each(['"\\ud800"', '"a\\u0000"', '".."', '7', 'null', `"${'x'.repeat(1_025)}"`])(
    'are refused in JSON Lines: %s',
    async (imageId) => {
      const body = `{"imageId":${imageId},"task":"digit","label":"7"}`;
      const init = { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } };
      expect(await (await fetch(`${fixture.url}/v1/labels`, init)).json()).toMatchObject({
        accepted: 0,
        rejected: 1,
        errors: [{ line: 1, reason: expect.stringContaining('image id') }],
      });
    },
  );

  it('are refused in forms that are not UTF-8, where several would become one', async () => {
    const part = (disposition: string) => `--x\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n`;
    const body = Buffer.concat([
      Buffer.from(part('name="id"')),
      Buffer.from([0x61, 0xff]),
      Buffer.from(`\r\n${part('name="file"; filename="a.png"')}`),
      await makePicture('png'),
      Buffer.from('\r\n--x--\r\n'),
    ]);
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const response = await fetch(`${fixture.url}/v1/images`, { method: 'POST', body, headers });
    expect(await response.json()).toMatchObject({
      code: 'request-invalid',
      detail: expect.stringContaining('UTF-8'),
    });
  });

  it('are described in the OpenAPI document', async () => {
    const document = JSON.stringify(await (await fetch(`${fixture.url}/openapi.json`)).json());
    expect(document.match(/1,024 bytes of UTF-8/g)?.length).toBeGreaterThanOrEqual(4);
    expect(document).toContain('percent-encoded as one segment');
  });
});
