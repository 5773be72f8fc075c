import { type LabelAssigned, openCodec } from '@headwater/schemas';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IngestFixture, startIngestFixture } from '../testing/ingest-fixture.ts';

async function readLabels({ dependencies, read }: IngestFixture): Promise<LabelAssigned[]> {
  const { labels } = dependencies.names.topics;
  const codec = await openCodec(dependencies.schemaIds, 'LabelAssigned', labels);
  return Promise.all((await read(labels)).map(({ value }) => codec.decode(value ?? Buffer.alloc(0))));
}

const url = (fixture: IngestFixture, id = 'a', task = 'digit') =>
  `${fixture.url}/v1/images/${id}/labels/${task}`;

function put(fixture: IngestFixture, body: unknown, at = url(fixture)) {
  const headers = { 'content-type': 'application/json' };
  return fetch(at, { method: 'PUT', body: JSON.stringify(body), headers });
}

let shared: IngestFixture;
beforeAll(async () => {
  shared = await startIngestFixture();
});
afterAll(() => shared.stop());

describe('PUT /v1/images/{id}/labels/{task}', () => {
  it('assigns, corrects and retracts, each later than the one before', async () => {
    await using fixture = await startIngestFixture();
    expect((await put(fixture, { label: '7' })).status).toBe(202);
    expect((await put(fixture, { label: '1', annotator: 'Zoë' })).status).toBe(202);
    const response = await fetch(`${url(fixture)}?annotator=Zo%C3%AB`, { method: 'DELETE' });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({
      imageId: 'a',
      task: 'digit',
      label: null,
      annotator: 'Zoë',
    });
    const labels = await readLabels(fixture);
    expect(labels.map(({ assignedAt: _, ...label }) => label)).toEqual([
      { imageId: 'a', task: 'digit', label: '7', annotator: 'api' },
      { imageId: 'a', task: 'digit', label: '1', annotator: 'Zoë' },
      { imageId: 'a', task: 'digit', label: null, annotator: 'Zoë' },
    ]);
    const times = labels.map(({ assignedAt }) => assignedAt);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  });

  it('takes a time that is given', async () => {
    await using fixture = await startIngestFixture();
    expect((await put(fixture, { label: '7', assignedAt: 1_700_000_001_000 })).status).toBe(202);
    expect((await put(fixture, { label: '7', assignedAt: '2023-11-14T22:13:22Z' })).status).toBe(202);
    await fetch(`${url(fixture)}?assignedAt=1700000003000`, { method: 'DELETE' });
    expect((await readLabels(fixture)).map(({ assignedAt }) => assignedAt)).toEqual([
      1_700_000_001_000, 1_700_000_002_000, 1_700_000_003_000,
    ]);
  });

  it.each([
    {},
    { label: '' },
    { label: 7 },
    { label: ' 7' },
    { label: '7\u200b' },
    { label: '猫'.repeat(90) },
    { label: '7', colour: 'red' },
    { label: '7', assignedAt: 'soon' },
    { label: '7', assignedAt: Date.now() + 3_600_000 },
    { label: '7', assignedAt: 1.5 },
    { label: '7', assignedAt: 1_700_000_000 },
    { label: '7', assignedAt: 1_700_000_000_000_000 },
    { label: '7', annotator: '' },
    '7',
    null,
  ])('refuses %j', async (body) => {
    const response = await put(shared, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'request-invalid' });
    expect(await readLabels(shared)).toEqual([]);
  });

  it('refuses names that are none', async () => {
    await using fixture = await startIngestFixture();
    for (const at of [url(fixture, 'a%00b'), url(fixture, 'a'.repeat(1_025)), url(fixture, 'a', 'b%0Ac')]) {
      expect((await put(fixture, { label: '7' }, at)).status).toBe(400);
    }
    const broken = await fetch(url(fixture), {
      method: 'PUT',
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect(broken.status).toBe(400);
    expect(broken.headers.get('content-type')).toBe('application/problem+json');
  });
});

describe('POST /v1/labels', () => {
  const post = (fixture: IngestFixture, body: string, type: string) =>
    fetch(`${fixture.url}/v1/labels`, { method: 'POST', body, headers: { 'content-type': type } });

  it('accepts CSV and JSON Lines, and reports rejected lines', async () => {
    await using fixture = await startIngestFixture();
    const csv = await post(fixture, 'imageId,task,label\na,digit,7\nb,,8\n', 'text/csv; charset=utf-8');
    expect(csv.status).toBe(200);
    expect(await csv.json()).toEqual({
      accepted: 1,
      rejected: 1,
      errors: [{ line: 3, reason: expect.stringContaining('task') }],
    });
    const lines = '{"imageId":"c","task":"digit","label":null}\n';
    const jsonl = await post(fixture, lines, 'application/x-ndjson');
    expect(await jsonl.json()).toEqual({ accepted: 1, rejected: 0, errors: [] });
    const labels = (await readLabels(fixture)).map(({ imageId, label }) => [imageId, label]);
    expect(labels.sort()).toEqual([
      ['a', '7'],
      ['c', null],
    ]);
  });

  it('takes many', async () => {
    await using fixture = await startIngestFixture();
    const rows = Array.from({ length: 20_000 }, (_, index) => `image-${index},digit,${index % 10}\n`);
    const response = await post(fixture, `imageId,task,label\n${rows.join('')}`, 'text/csv');
    expect(await response.json()).toEqual({ accepted: 20_000, rejected: 0, errors: [] });
    expect((await fixture.read('labels')).length).toBe(20_000);
  });

  it('responds early, while the client still sends', async () => {
    await using fixture = await startIngestFixture();
    const response = await post(fixture, `no,header\n${'a,digit,7\n'.repeat(1_000_000)}`, 'text/csv');
    expect(response.status).toBe(400);
    const again = await post(fixture, 'imageId,task,label\na,digit,7\n', 'text/csv');
    expect(await again.json()).toMatchObject({ accepted: 1 });
  });

  it('rejects unreadable bodies', async () => {
    await using fixture = await startIngestFixture();
    const zipped = await fetch(`${fixture.url}/v1/labels`, {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'text/csv', 'content-encoding': 'gzip' },
    });
    expect(zipped.status).toBe(415);
    for (const [body, type] of [
      ['a,digit,7\n', 'text/csv'],
      ['[]', 'application/json'],
    ] as const) {
      const response = await post(fixture, body, type);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'request-invalid', status: 400 });
    }
  });
});
