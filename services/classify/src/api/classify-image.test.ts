import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { openExtractor } from '@headwater/extractor-pipelines';
import { createMemoryLog } from '@headwater/log';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClassifyFixture, eventually } from '../testing/classify-fixture.ts';

const id = 'lenet-digits.v1';
let fixture: ClassifyFixture;
beforeAll(async () => {
  fixture = await ClassifyFixture.open({ log: createMemoryLog(), extractors: [id] });
});
afterAll(() => fixture.close());

/** A gray PNG of 28 × 28 pixels with one bright stripe. */
function stripe(at: number, vertical: boolean): Buffer {
  const size = 28;
  const rows = Array.from({ length: size }, (_, y) => [
    0,
    ...Array.from({ length: size }, (_, x) => (Math.abs((vertical ? x : y) - at) < 2 ? 255 : 0)),
  ]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header[8] = 8;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const pixels = deflateSync(Buffer.from(rows.flat()));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

it('answers an image as it answers the image’s vector', async () => {
  const service = await fixture.start();
  const extractor = await openExtractor(id, { threads: 1 });
  try {
    for (let at = 4; at < 24; at += 2) {
      for (const vertical of [true, false]) {
        const image = `${at}-${vertical}`;
        await fixture.sendVector(image, [
          ...(await extractor.extract({ image: stripe(at, vertical), attributes: {} })),
        ]);
        await fixture.sendLabel(image, vertical ? 'up' : 'across');
      }
    }
    const { version } = await fixture.settled(20);
    await eventually(async () => {
      const { body } = await fixture.api<{ version: number }>(service, '/v1/tasks/digit/head');
      return body.version === version;
    });
    const path = '/v1/tasks/digit/classify';
    const asked = stripe(11, true);
    const byImage = await fixture.api<{ label: string; probabilities: object }>(service, path, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: new Uint8Array(asked),
    });
    expect(byImage).toMatchObject({ status: 200, body: { label: 'up', extractor: id, head: { version } } });
    for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain']) {
      const byBytes = await fixture.api(service, path, {
        method: 'POST',
        headers: { 'content-type': type },
        body: new Uint8Array(asked),
      });
      expect(byBytes).toMatchObject({ status: 200, body: { label: 'up', head: { version } } });
    }
    const form = await fixture.api<{ detail: string }>(service, path, {
      method: 'POST',
      body: new FormData(),
    });
    expect(form).toMatchObject({ status: 400, body: { detail: expect.stringContaining('form') } });
    const vector = [...(await extractor.extract({ image: asked, attributes: {} }))];
    const byVector = await fixture.api<{ label: string; probabilities: object }>(service, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ vector }),
    });
    expect(byVector.body.probabilities).toEqual(byImage.body.probabilities);
    const byDefault = await fixture.api<{ probabilities: object }>(service, path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: ` \n${JSON.stringify({ vector })}`,
    });
    expect(byDefault.body.probabilities).toEqual(byImage.body.probabilities);
    const broken = await fixture.api<{ code: string }>(service, path, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: new Uint8Array(asked.subarray(0, 40)),
    });
    expect(broken).toMatchObject({ status: 422, body: { code: 'image-unreadable' } });
  } finally {
    await extractor.close();
  }
});

const chain = `
id: look.v1
chain:
  - branches:
      look: [{ method: pixel-vector, size: 2, colour: gray }]
      facts: [{ method: numeric-vector, attributes: [price, weight, age, size] }]
`;

it('answers an image and its attributes with a chain of the user’s own', async () => {
  const own = await ClassifyFixture.open({ log: createMemoryLog(), extractors: ['look.v1'] });
  const path = join(own.dataDir, 'look.yaml');
  await writeFile(path, chain);
  const extractor = await openExtractor(path);
  try {
    const service = await own.start({ EXTRACTOR_FILES: path });
    const factsOf = (index: number) => {
      const [size, rest] = [index % 2 === 0 ? '10' : '-10', String(index % 5)];
      return { price: rest, weight: '1', age: rest, size };
    };
    for (let index = 0; index < 16; index += 1) {
      const record = { image: stripe(4 + index, true), attributes: factsOf(index) };
      await own.sendVector(`${index}`, [...(await extractor.extract(record))]);
      await own.sendLabel(`${index}`, index % 2 === 0 ? 'large' : 'small');
    }
    const { version } = await own.settled(16);
    await eventually(async () => {
      const { body } = await own.api<{ version: number }>(service, '/v1/tasks/digit/head');
      return body.version === version;
    });
    const ask = (query: string) =>
      own.api<{ label: string; code: string }>(service, `/v1/tasks/digit/classify?${query}`, {
        method: 'POST',
        headers: { 'content-type': 'image/png' },
        body: new Uint8Array(stripe(9, true)),
      });
    const rest = 'attribute.price=1&attribute.weight=1&attribute.age=1';
    expect(await ask(`${rest}&attribute.size=10`)).toMatchObject({ status: 200, body: { label: 'large' } });
    expect(await ask(`${rest}&attribute.size=-10`)).toMatchObject({ status: 200, body: { label: 'small' } });
    expect(await ask(`${rest}&attribute.size=big`)).toMatchObject({
      status: 422,
      body: { code: 'record-unfit' },
    });
    expect(await ask(rest)).toMatchObject({ status: 422, body: { code: 'vector-not-finite' } });
  } finally {
    await extractor.close();
    await own.close();
  }
});

it('refuses files that state the same id, or none', async () => {
  const own = await ClassifyFixture.open({ log: createMemoryLog(), extractors: ['look.v1'] });
  const paths = ['a.yaml', 'b.yaml'].map((name) => join(own.dataDir, name));
  for (const path of paths) await writeFile(path, chain);
  try {
    await expect(own.start({ EXTRACTOR_FILES: paths.join() })).rejects.toThrow(/both have the id look\.v1/);
    await writeFile(paths[1] ?? '', 'chain: []');
    await expect(own.start({ EXTRACTOR_FILES: paths.join() })).rejects.toThrow(/b\.yaml: id must be like/);
  } finally {
    await own.close();
  }
});
