/**
 * Bad input must not stop the stream: each bad record becomes a dead letter with its reason, and its neighbours
 * go through.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import type { OutgoingRecord } from '@headwater/log';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { killAll, type ServiceProcess, startService } from './processes.ts';
import {
  digits,
  imageRecord,
  openStreamClient,
  type StreamClient,
  streamVariables,
  task,
} from './stream-client.ts';

let folder = '';
let ingest: ServiceProcess;
let client: StreamClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-bad-input-'));
  const variables = streamVariables(inject('brokers'), folder);
  [ingest] = await Promise.all([
    startService('ingest', variables),
    startService('extract', variables),
    startService('classify', variables),
  ]);
  client = await openStreamClient(variables);
});
afterAll(async () => {
  await client?.close();
  killAll();
  await rm(folder, { recursive: true, force: true });
});

async function truncatedJpeg(): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
  const picture = sharp({ create: { width: 200, height: 150, channels: 3, background: 'red', noise } });
  const jpeg = await picture.jpeg().toBuffer();
  // Not after 0xff: with the next byte that would be a marker, which decoders take for the end of an image.
  let end = Math.floor(jpeg.length / 2);
  while (jpeg[end - 1] === 0xff) end -= 1;
  return jpeg.subarray(0, end);
}

const text = Buffer.from('This was saved under the name picture.png.\n'.repeat(20));
const svg = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"><rect width="28" height="28"/></svg>',
);

/** 30,000 × 30,000 pixels of one bit each: 110 KB as a file, 2.7 GB as RGB. */
function hugePng(): Buffer {
  const side = 30_000;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1;
  const rows = Buffer.alloc(side * (1 + side / 8));
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const idOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('bad images over HTTP', () => {
  it.each([
    ['a truncated JPEG', truncatedJpeg, [202, 422]],
    ['a text file called .png', () => text, [415]],
    ['an SVG', () => svg, [415]],
    ['a PNG of 30,000 × 30,000 pixels', hugePng, [413]],
    ['an empty body', () => Buffer.alloc(0), [400, 415, 422]],
  ])(
    '%s is rejected with problem details, or becomes a dead letter with its reason',
    async (_name, make, statuses) => {
      const bytes = await make();
      const response = await fetch(new URL('/v1/images', ingest.url), {
        method: 'POST',
        headers: { 'content-type': 'image/png' },
        body: new Uint8Array(bytes),
      });
      expect(statuses).toContain(response.status);
      const body = (await response.json()) as Record<string, unknown>;
      if (response.status === 202) {
        const reasonFor = () => client.deadLetters.find(({ key }) => key === body.id)?.code;
        await expect.poll(reasonFor, { timeout: 60_000 }).toBe('image-unreadable');
        return;
      }
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(body).toMatchObject({
        status: response.status,
        code: expect.any(String),
        detail: expect.any(String),
      });
    },
  );
});

describe('bad records on Kafka', () => {
  it('become dead letters with their reasons, and their neighbours go through', async () => {
    const neighbours = digits(60);
    const good = (index: number) => {
      const image = neighbours[index];
      if (image === undefined) throw new Error(`there is no neighbour ${index}`);
      return imageRecord(image, client.names, client.codecs);
    };
    const bad = async (): Promise<readonly (readonly [OutgoingRecord, string])[]> => {
      const jpeg = await truncatedJpeg();
      const whole = good(0).value;
      const unknown = Buffer.from(whole);
      unknown.writeUInt32BE(0x7fff_fff0, 1);
      const { images } = client.names.topics;
      const asImage = (bytes: Buffer) => imageRecord({ bytes }, client.names, client.codecs);
      return [
        [asImage(Buffer.concat([jpeg, Buffer.from([1])])), 'image-unreadable'],
        [asImage(text), 'image-type-unsupported'],
        [asImage(svg), 'image-type-unsupported'],
        [asImage(hugePng()), 'image-too-large'],
        [{ topic: images, key: 'cut short', value: whole.subarray(0, 40) }, 'avro-invalid'],
        [{ topic: images, key: 'unknown schema', value: unknown }, 'schema-unknown'],
        [{ topic: images, key: 'empty', value: Buffer.alloc(0) }, 'record-empty'],
        [
          { topic: images, key: 'no wire format', value: Buffer.from('{"id":"json"}') },
          'wire-format-invalid',
        ],
        [{ topic: images, key: 'another key', value: whole }, 'record-invalid'],
      ];
    };
    const wrong = await bad();
    const perBad = Math.floor(neighbours.length / wrong.length);
    const records = wrong.flatMap(([record], index) => [
      ...Array.from({ length: perBad }, (_, offset) => good(index * perBad + offset)),
      record,
    ]);
    await client.send(records);

    const missing = () => {
      const found = new Set(client.deadLetters.map(({ key }) => key));
      return wrong.filter(([{ key }]) => !found.has(String(key))).map(([, code]) => code);
    };
    await expect.poll(missing, { timeout: 90_000 }).toEqual([]);
    for (const [record, code] of wrong) {
      const letters = client.deadLetters.filter(({ key }) => key === String(record.key));
      expect(letters.map((letter) => [String(record.key), letter.code])).toEqual([
        [String(record.key), code],
      ]);
      expect(letters[0]?.reason).not.toBe('');
      expect(letters[0]?.topic).toBe(client.names.topics.deadLetters(client.names.topics.images));
      expect(letters[0]?.source).toMatch(new RegExp(`^${client.names.topics.images}/\\d+/\\d+$`));
      expect(idOf(letters[0]?.value ?? Buffer.alloc(0))).toBe(idOf(record.value ?? Buffer.alloc(0)));
    }
    const sent = neighbours.slice(0, perBad * wrong.length).map(({ bytes }) => idOf(bytes));
    await expect
      .poll(() => sent.filter((id) => !client.predictions.has(id)), { timeout: 60_000 })
      .toEqual([]);
    await expect(client.audit()).resolves.toMatchObject({ lost: 0, duplicates: 0 });
  });

  it('become dead letters on the topic of labels, too', async () => {
    const { labels } = client.names.topics;
    const label = (imageId: string, overrides: object = {}) =>
      client.codecs.labels.encode({
        imageId,
        task,
        label: '1',
        assignedAt: Date.now(),
        annotator: 'test',
        ...overrides,
      });
    const wrong: readonly (readonly [OutgoingRecord, string])[] = [
      [{ topic: labels, key: 'l-short', value: label('l-short').subarray(0, 9) }, 'avro-invalid'],
      [{ topic: labels, key: 'l-empty', value: Buffer.alloc(0) }, 'record-empty'],
      [{ topic: labels, key: 'l-json', value: Buffer.from('{"label":"1"}') }, 'wire-format-invalid'],
      [{ topic: labels, key: 'l-key', value: label('another image') }, 'record-invalid'],
      [
        { topic: labels, key: 'l-future', value: label('l-future', { assignedAt: Date.now() + 1e10 }) },
        'record-invalid',
      ],
    ];
    const [image] = await client.sendImages(digits(61).slice(60));
    const before = client.deadLetters.length;
    await client.send(wrong.map(([record]) => record));
    await client.sendLabels(new Map([[image ?? '', '3']]));
    await expect
      .poll(() => client.deadLetters.length - before, { timeout: 60_000 })
      .toBeGreaterThanOrEqual(wrong.length);
    for (const [record, code] of wrong) {
      const letters = client.deadLetters.filter(({ key }) => key === String(record.key));
      expect(letters.map((letter) => [letter.key, letter.code])).toEqual([[String(record.key), code]]);
    }
    await expect.poll(async () => (await client.audit()).examples, { timeout: 60_000 }).toBe(1);
    await expect(client.audit()).resolves.toMatchObject({ lost: 0, duplicates: 0 });
  });
});
