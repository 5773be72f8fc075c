/**
 * What earlier versions have stored, opened by this one: test/upgrade/fixtures has a folder for each, written by write-fixture.mjs in a
 * checkout of that version. Stores are carried on or rebuilt, and digests stay.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { createFolderBlobStore } from '@headwater/blobs';
import { classifyEnvironment, type HeadView, startClassify } from '@headwater/classify';
import {
  chooseFormat,
  decodeHeadFile,
  HeadCatalog,
  importExamples,
  importHead,
} from '@headwater/classify/exchange';
import { createMemoryLog, topicSpecs } from '@headwater/log';
import { createFingerprintIds, openCodec, openVectorReader } from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  loadConfig,
  namesOf,
  topicOptions,
} from '@headwater/service-kit';
import { describe, expect, it, onTestFinished } from 'vitest';

interface Expected {
  readonly extractor: string;
  readonly tasks: readonly string[];
  readonly partitions: string;
  readonly topics: readonly string[];
  readonly records: number;
  readonly committed: readonly {
    readonly group: string;
    readonly topic: string;
    readonly offsets: readonly (string | null)[];
  }[];
  readonly heads: readonly {
    readonly task: string;
    readonly kind: string;
    readonly version: number;
    readonly examples: number;
    readonly headDigest: string;
    readonly setDigest: string;
  }[];
}

interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string])[];
}

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));
const versions = readdirSync(fixtures);
const fromBase64 = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'));

function openFixture(version: string) {
  const unzip = (name: string) => gunzipSync(readFileSync(join(fixtures, version, name)));
  const expected = JSON.parse(readFileSync(join(fixtures, version, 'expected.json'), 'utf8')) as Expected;
  const lines = unzip('records.jsonl.gz').toString('utf8').trimEnd().split('\n');
  const records = lines.map((line) => JSON.parse(line) as StoredRecord);
  return { version, expected, records, unzip };
}

type Fixture = ReturnType<typeof openFixture>;

/** An installation with the settings of the fixture, its topics empty. */
async function openInstallation({ expected }: Fixture) {
  const dataDir = mkdtempSync(join(tmpdir(), 'headwater-upgrade-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const config = loadConfig(classifyEnvironment, {
    EXTRACTORS: expected.extractor,
    TASKS: expected.tasks.join(),
    HEADS: 'lda',
    PARTITIONS: expected.partitions,
    REPLICATION_FACTOR: '1',
    SETTLE_AFTER_MS: '100',
    // A fixture grows older than the time for which a store is trusted.
    MAX_STORE_AGE: `${100 * 365}d`,
    DATA_DIR: dataDir,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
  });
  const log = createMemoryLog();
  const names = namesOf(config);
  const logged: Record<string, unknown>[] = [];
  const clients = {
    log,
    names,
    schemaIds: createFingerprintIds(),
    blobs: createFolderBlobStore({ root: join(dataDir, 'blobs') }),
    logger: createLogger({
      name: 'upgrade',
      destination: { write: (line) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
    }),
  };
  await log.admin.ensureTopics(topicSpecs(names, topicOptions(config, [expected.extractor])), {
    create: true,
  });
  const producer = await log.openProducer();
  const start = async () => {
    const metrics = createMetrics({ processDefaults: false });
    const service = await startClassify(config, { ...clients, metrics, health: createHealth() });
    onTestFinished(() => service.stop());
    return service;
  };
  return { dataDir, config, names, clients, producer, logged, start };
}

type Installation = Awaited<ReturnType<typeof openInstallation>>;

/** Offsets come out as they were: the fixture has no gaps. */
async function replay({ clients, producer }: Installation, { records, expected }: Fixture): Promise<void> {
  for (const { topic, partition, timestamp, key, value, headers } of records) {
    const decoded = headers.map(([name, text]) => [name, Buffer.from(text, 'base64')] as const);
    const record = { topic, partition, timestamp, key: fromBase64(key), value: fromBase64(value) };
    await producer.send([{ ...record, headers: Object.fromEntries(decoded) }]);
  }
  for (const { group, topic, offsets } of expected.committed) {
    const known = offsets.flatMap((offset, index) =>
      offset === null ? [] : [[index, BigInt(offset)] as const],
    );
    await clients.log.admin.commit(group, topic, new Map(known));
  }
}

function placeData({ dataDir }: Installation, { unzip }: Fixture): void {
  execFileSync('tar', ['--extract', '--directory', dataDir], { input: unzip('data.tar.gz') });
}

async function committedOf({ clients }: Installation, { expected }: Fixture) {
  const read = async ({ group, topic }: Expected['committed'][number]) => {
    const offsets = await clients.log.admin.committed(group, topic);
    return { group, topic, offsets: offsets.map((offset) => (offset === undefined ? null : String(offset))) };
  };
  return Promise.all(expected.committed.map(read));
}

async function countOf({ clients: { log } }: Installation, topic: string): Promise<number> {
  const ends = await log.admin.offsets(topic);
  return ends.reduce((sum, { high }) => sum + Number(high), 0);
}

async function newestHead({ clients }: Installation, task: string) {
  const { mode, examples, digest, setDigest, version } =
    (await HeadCatalog.read(clients)).list({ task })[0] ?? {};
  return { mode, examples, digest, setDigest, version };
}

/** A correction, and its correction: the set is the same again, and the head has been fitted anew from the store. */
async function correctTwice(installation: Installation, { expected }: Fixture): Promise<void> {
  const { clients, names, producer } = installation;
  const { task = '', examples, version = 0, headDigest, setDigest } = expected.heads[0] ?? {};
  const codec = await openCodec(clients.schemaIds, 'LabelAssigned', names.topics.labels);
  const label = async (text: string) => {
    const fields = { imageId: 'image-0', task, label: text, assignedAt: Date.now(), annotator: 'upgrade' };
    await producer.send([{ topic: names.topics.labels, key: 'image-0', value: codec.encode(fields) }]);
  };
  const wait = { timeout: 30_000, interval: 100 };
  const own = await currentLabel(installation, task);
  await label('another');
  await expect.poll(async () => (await newestHead(installation, task)).setDigest, wait).not.toBe(setDigest);
  const changed = (await newestHead(installation, task)).version ?? version;
  await label(own);
  await expect
    .poll(() => newestHead(installation, task), wait)
    .toMatchObject({ mode: 'settled', examples, digest: headDigest, setDigest });
  expect((await newestHead(installation, task)).version).toBeGreaterThan(changed);
}

async function currentLabel({ clients, names }: Installation, task: string): Promise<string> {
  const codec = await openCodec(clients.schemaIds, 'Example', names.topics.examples);
  const ends = await clients.log.admin.offsets(names.topics.examples);
  let found = '';
  for (let partition = 0; partition < ends.length; partition += 1) {
    for await (const records of clients.log.read({ topic: names.topics.examples, partition })) {
      for (const { value } of records) {
        const example = value === null ? undefined : await codec.decode(value);
        if (example?.task === task && example.imageId === 'image-0') found = example.label ?? '';
      }
    }
  }
  return found;
}

it('has a fixture of an earlier version', () => {
  expect(versions).not.toEqual([]);
});

describe.each(versions)('an upgrade from %s', (version) => {
  const fixture = openFixture(version);
  const { expected } = fixture;

  it.each([
    ['with its local stores', true],
    ['without its local stores', false],
  ])('keeps positions and heads, and learns from what it finds, %s', async (_how, hasData) => {
    const installation = await openInstallation(fixture);
    await replay(installation, fixture);
    if (hasData) placeData(installation, fixture);
    const { predictions, examples } = installation.names.topics;
    const before = [await countOf(installation, predictions), await countOf(installation, examples)];
    const service = await installation.start();
    for (const { task, headDigest, setDigest } of expected.heads) {
      const answer = await fetch(`${service.url}/v1/tasks/${task}/head`);
      expect(answer.status).toBe(200);
      expect((await answer.json()) as HeadView).toMatchObject({ digest: headDigest, setDigest });
    }
    const opened = () => installation.logged.filter(({ outcome }) => outcome !== undefined);
    await expect.poll(() => opened().length, { timeout: 20_000 }).toBe(2 * Number(expected.partitions));
    const allowed = hasData ? ['current', 'rolled-forward', 'rebuilt'] : ['rebuilt'];
    for (const { outcome, records } of opened()) {
      // A partition without records has nothing to rebuild.
      expect(records === 0 ? [...allowed, 'current'] : allowed).toContain(outcome);
    }
    // Nothing is read a second time from the topics' beginning.
    expect(await committedOf(installation, fixture)).toEqual(expected.committed);
    expect([await countOf(installation, predictions), await countOf(installation, examples)]).toEqual(before);
    await correctTwice(installation, fixture);
  });

  it.each(['examples.jsonl', 'examples.avro'])(
    'imports %s with the same set digest and head',
    async (name) => {
      const installation = await openInstallation(fixture);
      await installation.start();
      const path = join(installation.dataDir, name);
      writeFileSync(path, fixture.unzip(`${name}.gz`));
      const { clients, config } = installation;
      const report = await importExamples({ clients, config, path, format: chooseFormat(path) });
      const { task = '', examples, headDigest, setDigest } = expected.heads[0] ?? {};
      expect(report).toMatchObject({ task, examples, setDigest });
      await expect
        .poll(() => newestHead(installation, task), { timeout: 30_000, interval: 100 })
        .toMatchObject({ mode: 'settled', examples, digest: headDigest, setDigest });
    },
  );

  it('imports an exported head with the same digest', async () => {
    const installation = await openInstallation(fixture);
    await installation.start();
    const file = decodeHeadFile(fixture.unzip('head.json.gz').toString('utf8'));
    const { head, published } = await importHead(file, installation.clients, installation.config);
    expect([head.digest, published]).toEqual([expected.heads[0]?.headDigest, true]);
  });

  it('decodes every record', async () => {
    const { names, clients } = await openInstallation(fixture);
    const { schemaIds } = clients;
    const { topics } = names;
    const vectors = openVectorReader(schemaIds);
    const open = async (name: Parameters<typeof openCodec>[1], topic: string) =>
      [topic, await openCodec(schemaIds, name, topic)] as const;
    const codecs = new Map<string, { decode(bytes: Buffer): unknown }>([
      await open('ImageReceived', topics.images),
      await open('LabelAssigned', topics.labels),
      await open('Example', topics.examples),
      await open('ImageClassified', topics.predictions),
      await open('HeadTrained', topics.heads),
      await open('HeadActivated', topics.serving),
      [topics.vectors(expected.extractor), vectors],
    ]);
    expect(fixture.records).toHaveLength(expected.records);
    for (const { topic, value } of fixture.records) {
      const bytes = fromBase64(value);
      if (bytes !== null) expect(await codecs.get(topic)?.decode(bytes)).toBeDefined();
    }
    expect(new Set(fixture.records.map(({ topic }) => topic))).toEqual(new Set(codecs.keys()));
  });
});
