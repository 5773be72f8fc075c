import { crc32, deflateSync } from 'node:zlib';
import { openExtractor } from '@headwater/extractors';
import { createMemoryLog } from '@headwater/stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, Rig } from '../testing/rig.ts';

const id = 'lenet-digits.v1';
let rig: Rig;
beforeAll(async () => {
  rig = await Rig.open({ log: createMemoryLog(), extractors: [id] });
});
afterAll(() => rig.close());

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
  const service = await rig.start();
  const extractor = await openExtractor(id, { threads: 1 });
  try {
    for (let at = 4; at < 24; at += 2) {
      for (const vertical of [true, false]) {
        const image = `${at}-${vertical}`;
        await rig.sendVector(image, [
          ...(await extractor.extract({ image: stripe(at, vertical), attributes: {} })),
        ]);
        await rig.sendLabel(image, vertical ? 'up' : 'across');
      }
    }
    const { version } = await rig.settled(20);
    await eventually(async () => {
      const { body } = await rig.api<{ version: number }>(service, '/v1/tasks/digit/head');
      return body.version === version;
    });
    const path = '/v1/tasks/digit/classify';
    const asked = stripe(11, true);
    const byImage = await rig.api<{ label: string; probabilities: object }>(service, path, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: new Uint8Array(asked),
    });
    expect(byImage).toMatchObject({ status: 200, body: { label: 'up', extractor: id, head: { version } } });
    const vector = [...(await extractor.extract({ image: asked, attributes: {} }))];
    const byVector = await rig.api<{ label: string; probabilities: object }>(service, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ vector }),
    });
    expect(byVector.body.probabilities).toEqual(byImage.body.probabilities);
    const broken = await rig.api<{ code: string }>(service, path, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: new Uint8Array(asked.subarray(0, 40)),
    });
    expect(broken).toMatchObject({ status: 422, body: { code: 'image-unreadable' } });
  } finally {
    await extractor.close();
  }
});
