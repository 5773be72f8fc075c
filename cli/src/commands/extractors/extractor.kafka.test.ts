/** A chain learns from the images on a real Kafka: those within messages and those in the blob store, without those erased since. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { encodePng } from '@headwater/demo/sources';
import { createKafkaLog, createNames, type OutgoingRecord, topicSpecs } from '@headwater/log';
import { createFingerprintIds, openCodec } from '@headwater/schemas';
import { createLogger } from '@headwater/service-kit';
import { expect, inject, it, onTestFinished } from 'vitest';
import { runProgram } from '../../program.ts';
import { createTestConsole } from '../../testing/test-console.ts';

function picture(seed: number): Buffer {
  return encodePng({ width: 2, height: 2, pixels: Uint8Array.of(seed, 255 - seed, (seed * 7) % 256, 9) });
}

async function openTopic(folder: string) {
  const prefix = `fit-${randomUUID()}.`;
  const names = createNames({ topicPrefix: prefix, groupPrefix: prefix, transactionalIdPrefix: prefix });
  const log = createKafkaLog({ brokers: inject('brokers') }, createLogger({ name: 'test', level: 'fatal' }));
  onTestFinished(() => log.close());
  const { images } = names.topics;
  const specs = topicSpecs(names, { extractors: [], partitions: 3, replicationFactor: 1 });
  await log.admin.ensureTopics(
    specs.filter(({ name }) => name === images),
    { create: true },
  );
  const codec = await openCodec(createFingerprintIds(), 'ImageReceived', images);
  const blobs = createFolderBlobStore({ root: join(folder, 'blobs') });
  const environment = {
    KAFKA_BROKERS: inject('brokers').join(),
    TOPIC_PREFIX: prefix,
    GROUP_PREFIX: prefix,
    DATA_DIR: folder,
  };
  return { log, images, codec, blobs, environment };
}

it('learns from the images of a topic, and not from those that were erased', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-fit-topic-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { log, images, codec, blobs, environment } = await openTopic(folder);
  const producer = await log.openProducer();
  onTestFinished(() => producer.close());
  const record = async (index: number, inBlob: boolean): Promise<OutgoingRecord> => {
    const id = `image-${index}`;
    const bytes = picture(index * 9);
    const content = inBlob ? await blobs.put(bytes) : bytes;
    const fields = {
      source: 'test',
      receivedAt: 1_700_000_000_000,
      mediaType: 'image/png',
      width: 2,
      height: 2,
    };
    const attributes = { price: String(index) };
    const value = codec.encode({ id, ...fields, content, attributes, labels: {}, group: null });
    return { topic: images, key: id, value };
  };
  const sent = await Promise.all(Array.from({ length: 12 }, (_, index) => record(index, index % 4 === 0)));
  await producer.send(sent);
  await producer.send([
    { topic: images, key: 'image-3', value: null },
    { topic: images, key: 'image-8', value: null },
    { topic: images, key: 'image-5', value: Buffer.from('no message') },
  ]);

  const chain = `chain:
  - branches:
      look: [{ method: pixel-vector, size: 2, colour: gray }, standardized-vector]
      price: [{ method: numeric-vector, attributes: [price] }, standardized-vector]
`;
  await writeFile(join(folder, 'topic.yaml'), `id: look.v1\n${chain}`);
  const console = createTestConsole(environment);
  const args = ['extractor', 'fit', join(folder, 'topic.yaml'), '--from', 'topic', '--json'];
  expect(await runProgram(['node', 'headwater', ...args], console), console.err()).toBe(0);
  expect(JSON.parse(console.out())).toMatchObject({ fitted: [{ records: 10 }, { records: 10 }] });
  expect(console.err()).toMatch(/skipped .*images\/\d\/\d+: /);
  const fromTopic = await readFile(join(folder, 'look.v1.fitted.json'), 'utf8');

  const lines = Array.from({ length: 12 }, (_, index) => index)
    .filter((index) => index !== 3 && index !== 8)
    .map((index) => {
      const image = `data:image/png;base64,${picture(index * 9).toString('base64')}`;
      return JSON.stringify({ image, attributes: { price: String(index) } });
    });
  await writeFile(join(folder, 'same.jsonl'), lines.join('\n'));
  const again = [
    'extractor',
    'fit',
    join(folder, 'topic.yaml'),
    '--again',
    '--from',
    join(folder, 'same.jsonl'),
  ];
  expect(await runProgram(['node', 'headwater', ...again], createTestConsole())).toBe(0);
  expect(await readFile(join(folder, 'look.v1.fitted.json'), 'utf8')).toBe(fromTopic);
});
