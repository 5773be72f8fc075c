/**
 * A chain of a user's own as a service on a real Kafka: a net, an attribute and a module of the user's, joined. One image that is none, one
 * attribute that is no number, and one record on which the module hangs become dead letters; the rest flows.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { idOfExtractorFile, openExtractor } from '@headwater/extractor-pipelines';
import { createKafkaLog } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { expect, inject, it, onTestFinished } from 'vitest';
import { startExtract } from './service.ts';
import { digitImage, imageReceived, openExtractFixture, until } from './testing/extract-fixture.ts';

const id = 'product-look.v1';
const chain = `
id: ${id}
chain:
  - branches:
      net: [lenet-digits.v1]
      price: [{ method: field, name: price, as: number, default: 0 }, numeric-vector]
      own: [{ method: custom, module: ./own.mjs, dimensions: 1, timeout: 0.5 }]
    weights: { price: 0.25 }
`;
const own = `export function extract({ attributes }) {
  if (attributes.mood === 'stuck') for (;;);
  return [attributes.mood === 'good' ? 1 : 0];
}
`;

async function chainFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headwater-chain-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'look.yaml'), chain);
  await writeFile(join(folder, 'own.mjs'), own);
  return join(folder, 'look.yaml');
}

const openLog = () =>
  createKafkaLog({ brokers: inject('brokers') }, createLogger({ name: 'test', level: 'fatal' }));

async function open() {
  const prefix = `own-chain-${process.pid}-${Date.now().toString(36)}.`;
  const fixture = await openExtractFixture(openLog(), prefix, id);
  onTestFinished(() => fixture.close());
  return fixture;
}

type ExtractFixture = Awaited<ReturnType<typeof open>>;

async function start(fixture: ExtractFixture, path: string) {
  const log = openLog();
  const environment = { EXTRACTOR: path, PARTITIONS: '2', REPLICATION_FACTOR: '1' };
  const service = await startExtract(fixture.config(environment), { ...fixture.dependencies(), log });
  onTestFinished(async () => {
    await service.stop();
    await log.close();
  });
  return service;
}

it('a user’s own chain runs as a service; unusable images are dead letters, and others are processed', async () => {
  const [fixture, path] = [await open(), await chainFile()];
  await start(fixture, path);
  const attributes: Readonly<Record<string, Record<string, string>>> = {
    'no-image': {},
    'no-price': { price: 'cheap' },
    stuck: { mood: 'stuck' },
    priced: { price: '8', mood: 'good' },
    plain: {},
  };
  const messages = await Promise.all(
    Object.entries(attributes).map(async ([key, given], index) => {
      const content = key === 'no-image' ? Buffer.from('not an image') : await digitImage(index);
      return { key, content, given };
    }),
  );
  await fixture.send(
    messages.map(({ key, content, given }) => ({
      key,
      value: fixture.codec.encode({ ...imageReceived(key, content), attributes: given }),
    })),
  );
  await until(async () => (await fixture.vectors()).length + (await fixture.deadLetters()).length >= 5);
  const letters = await fixture.deadLetters();
  expect(letters.map(({ code, stage }) => `${stage} ${code}`).sort()).toEqual([
    'extract extractor-failed',
    'extract image-type-unsupported',
    'extract record-unfit',
  ]);
  const vectors = new Map((await fixture.vectors()).map((vector) => [vector.id, vector.value]));
  expect([...vectors.keys()].sort()).toEqual(['plain', 'priced']);
  const extractor = await openExtractor(path, { threads: 1 });
  onTestFinished(() => extractor.close());
  for (const { key, content, given } of messages.slice(3)) {
    const expected = await extractor.extract({ image: content, attributes: given });
    expect(vectors.get(key)?.vector).toEqual(expected);
  }
  expect(vectors.get('priced')?.vector.slice(-2)).toEqual(Float32Array.of(2, 1));
  const { name, version, digest } = extractor.description;
  expect(vectors.get('plain')?.extractor).toEqual({ name, version, digest });
});

it('a chain that cannot be opened fails the start with a remedy, and creates no topic', async () => {
  const [fixture, path] = [await open(), await chainFile()];
  await writeFile(path, `id: ${id}\nchain: [pixel-vector, standardized-vector]\n`);
  expect(await idOfExtractorFile(path)).toBe(id);
  await expect(start(fixture, path)).rejects.toThrow(/not fitted yet.*headwater extractor fit/);
  const log = openLog();
  onTestFinished(() => log.close());
  expect(await log.admin.partitions(fixture.names.topics.vectors(id))).toBeUndefined();
});
