/**
 * The life of images whose ids are what people call their files, through all three services on a log in memory: taken in by HTTP or by
 * Kafka, classified, labelled, found, and erased until nothing is left of them in stores, blobs and compacted topics.
 */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { startClassify } from '@headwater/classify';
import { startExtract } from '@headwater/extract';
import { startIngest } from '@headwater/ingest';
import { createMemoryLog, createNames, type LogProducer, type LogRecord } from '@headwater/log';
import { compositeKey, createFingerprintIds, type ImageReceived, openCodec } from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  type Service,
  type ServiceDependencies,
} from '@headwater/service-kit';
import { eventually as poll } from '@headwater/testing/eventually';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePng } from '../sources/png.ts';
import { readServiceConfigs } from './services.ts';

const extractor = 'lenet-digits.v1';
const task = 'side';
const log = createMemoryLog();
const names = createNames();
const { topics } = names;
const schemaIds = createFingerprintIds();

let folder: string;
let services: Service[] = [];
let [ingest, classify] = ['', ''];
let producer: LogProducer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-odd-ids-'));
  const configs = await readServiceConfigs(
    {
      DATA_DIR: join(folder, 'state'),
      EXTRACTOR: extractor,
      EXTRACTORS: extractor,
      TASKS: task,
      HEADS: 'lda',
      PARTITIONS: '2',
      REPLICATION_FACTOR: '1',
      ENGINE_THREADS: '1',
      DECODER_PROCESSES: '0',
      SETTLE_AFTER_MS: '100',
      BATCH_LINGER: '1ms',
      // Every image is a blob.
      INLINE_LIMIT_BYTES: '0',
    },
    { usualPorts: false },
  );
  const dependencies = (): ServiceDependencies => ({
    log,
    names,
    schemaIds,
    blobs: createFolderBlobStore({ root: join(folder, 'blobs') }),
    logger: createLogger({ name: 'test', level: 'fatal' }),
    metrics: createMetrics({ processDefaults: false }),
    health: createHealth(),
  });
  services = [
    await startClassify(configs.classify, dependencies()),
    await startExtract(configs.extract, dependencies()),
    await startIngest(configs.ingest, dependencies()),
  ];
  [classify, , ingest] = services.map(({ url = '' }) => url) as [string, string, string];
  producer = await log.openProducer();
});
afterAll(async () => {
  for (const service of services.toReversed()) await service.stop();
  await producer?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A square whose place is the class, and whose size is the image's own. */
function picture(kind: number, own: number): Buffer {
  const pixels = new Uint8Array(784);
  for (let y = 3; y < 8 + own; y++) pixels.fill(255, y * 28 + 3 + kind * 12, y * 28 + 8 + own + kind * 8);
  return encodePng({ width: 28, height: 28, pixels });
}

function eventually<T>(probe: () => Promise<T | undefined | false>): Promise<T> {
  return poll(probe, 40_000);
}

async function records(topic: string): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for (let partition = 0; partition < ((await log.admin.partitions(topic)) ?? 0); partition++) {
    for await (const chunk of log.read({ topic, partition })) found.push(...chunk);
  }
  return found;
}

/** The newest value under a key: undefined where there is none, null for a tombstone. */
const newest = async (topic: string, key: string) =>
  (await records(topic)).filter((record) => record.key?.toString() === key).at(-1)?.value;

const ask = async (base: string, path: string) => {
  const response = await fetch(`${base}${path}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const segment = encodeURIComponent;

/** As any Kafka client would. */
async function sendByKafka(id: string, content: Buffer): Promise<void> {
  const codec = await openCodec(schemaIds, 'ImageReceived', topics.images);
  const image: ImageReceived = {
    id,
    source: 'camera',
    receivedAt: Date.now(),
    mediaType: 'image/png',
    width: 28,
    height: 28,
    content,
    attributes: {},
    labels: {},
    group: null,
  };
  await producer.send([{ topic: topics.images, key: id, value: codec.encode(image) }]);
}

const byKafka = ['cam-1/2026/11/23.png', 'a/../b', 'Käfer 猫 😀', '100%', '/'.repeat(1_024)];
const byHttp = ['%2F', ' ?a=b&c#d;e ', '"<\\>\'', 'ü'.repeat(512), '__proto__'];
/** One of each class, so that a head is left to ask. */
const kept = ['kept/1', 'kept/2'];
const ids = [...byKafka, ...byHttp, ...kept];

describe('images with odd ids', () => {
  it('are classified, found and labelled by HTTP, whichever way they came', async () => {
    for (const [at, id] of byKafka.entries()) await sendByKafka(id, picture(at % 2, at));
    for (const [at, id] of kept.entries()) await sendByKafka(id, picture(at % 2, at + 3));
    for (const [at, id] of byHttp.entries()) {
      const body = new Uint8Array(picture(at % 2, at + 5));
      const sent = await fetch(`${ingest}/v1/images?${new URLSearchParams({ id })}`, {
        method: 'POST',
        body,
      });
      expect([sent.status, sent.headers.get('location')]).toEqual([202, `/v1/images/${segment(id)}`]);
    }
    for (const [at, id] of ids.entries()) {
      const place = `/v1/images/${segment(id)}`;
      await eventually(async () => (await ask(ingest, place)).body.status === 'classified');
      const answer = await fetch(`${ingest}${place}/labels/${task}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ label: (at % 5) % 2 === 0 ? 'left' : 'right' }),
      });
      expect([answer.status, await answer.json()]).toMatchObject([202, { imageId: id }]);
    }
    for (const id of ids) {
      const key = compositeKey(extractor, task, id);
      await eventually(async () => (await newest(topics.examples, key)) ?? undefined);
      const neighbours = `/v1/images/${segment(id)}/neighbours?task=${task}&limit=20`;
      const near = await eventually(async () => {
        const { status, body } = await ask(classify, neighbours);
        return status === 200 && body.considered === ids.length - 1 && body;
      });
      const listed = (near.neighbours as { imageId: string }[]).map(({ imageId }) => imageId);
      expect(listed.sort()).toEqual(ids.filter((other) => other !== id).sort());
      const influence = await eventually(async () => {
        const { status, body } = await ask(classify, `/v1/tasks/${task}/examples/${segment(id)}/influence`);
        return status === 200 && body;
      });
      expect(influence).toMatchObject({ imageId: id });
    }
  });

  it('are erased by HTTP, each alone, and nothing is left of them', async () => {
    const left = [...ids];
    const gone = [...byKafka, ...byHttp];
    for (const id of gone) {
      const place = `/v1/images/${segment(id)}`;
      const answer = await fetch(`${ingest}${place}`, { method: 'DELETE' });
      expect([answer.status, await answer.json()]).toEqual([202, { id, status: 'erased' }]);
      left.shift();
      const key = compositeKey(extractor, task, id);
      await eventually(async () => (await newest(topics.examples, key)) === null);
      expect(await newest(topics.vectors(extractor), id)).toBeNull();
      for (const other of left) {
        expect(await newest(topics.examples, compositeKey(extractor, task, other))).toBeInstanceOf(Buffer);
      }
    }
    const neighbours = (id: string) => ask(classify, `/v1/images/${segment(id)}/neighbours?task=${task}`);
    const [first = '', second = ''] = kept;
    const near = await eventually(async () => {
      const { body } = await neighbours(first);
      return body.considered === 1 && body.neighbours;
    });
    expect(near).toMatchObject([{ imageId: second }]);
    for (const id of gone) await eventually(async () => (await neighbours(id)).status === 404);
    const blobs = await readdir(join(folder, 'blobs'), { recursive: true, withFileTypes: true });
    expect(blobs.filter((entry) => entry.isFile() && /[0-9a-f]{64}/.test(entry.name))).toEqual([]);
    expect(await records(topics.deadLetters(topics.images))).toEqual([]);
  });

  it('that are no ids become dead letters with the reason, and the next image goes through', async () => {
    const bad = ['a\u0000b', '..', 'ü'.repeat(513)];
    for (const id of bad) await sendByKafka(id, picture(0, 1));
    await producer.send(bad.map((key) => ({ topic: topics.images, key, value: null })));
    await producer.send(bad.map((key) => ({ topic: topics.labels, key, value: Buffer.alloc(9) })));
    await sendByKafka('good', picture(0, 2));
    await eventually(async () => (await newest(topics.predictions, 'good')) ?? undefined);
    const letters = async (topic: string) => {
      const all = await records(topics.deadLetters(topic));
      return all.map(({ headers }) => String(headers['__connect.errors.exception.message']));
    };
    const found = await eventually(async () => {
      const both = [...(await letters(topics.images)), ...(await letters(topics.labels))];
      return both.length === 9 && both;
    });
    for (const reason of ['control characters', 'relative path segment', 'longer than 1024 bytes']) {
      expect(found.filter((message) => message.includes(reason))).toHaveLength(3);
    }
  });
});
