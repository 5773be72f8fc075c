import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryLog, type OutgoingRecord } from '@headwater/log';
import { compositeKey } from '@headwater/schemas';
import { loadConfig } from '@headwater/service-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClassifyConfig, classifyEnvironment } from '../../environment.ts';
import { HeadCatalog } from '../../model-registry/head-catalog.ts';
import { ClassifyFixture, dayOne, vectorOf } from '../../testing/classify-fixture.ts';
import { chooseFormat, exampleFormats } from './example-files/index.ts';
import { exportExamples } from './examples-export.ts';
import { importExamples } from './examples-import.ts';
import { decodeHeadFile, encodeHeadFile, headOf } from './head-file.ts';
import { importHead } from './head-import.ts';
import { publishHead } from './head-publishing.ts';
import type { ImportReport, ImportSoFar } from './import-options.ts';

let folder: string;
const fixtures: ClassifyFixture[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-exchange-'));
});
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.close();
  rmSync(folder, { recursive: true, force: true });
});

async function openFixture(): Promise<ClassifyFixture> {
  const fixture = await ClassifyFixture.open({ log: createMemoryLog() });
  fixtures.push(fixture);
  return fixture;
}

const examples = 24;

/** A settled head of images with and without groups, one of them corrected and one retracted. */
async function taught(): Promise<ClassifyFixture> {
  const fixture = await openFixture();
  const service = await fixture.start();
  for (let image = 0; image <= examples; image++) {
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image), {
      group: image % 4 === 0 ? 'scene' : null,
    });
    await fixture.sendLabel(`i${image}`, `c${image % 3}`, { assignedAt: dayOne + 2_000 + image });
  }
  await fixture.sendLabel('i3', 'c1', { assignedAt: dayOne + 5_000, annotator: 'bob' });
  await fixture.sendLabel('i4', null, { assignedAt: dayOne + 5_000 });
  await fixture.settled(examples);
  await service.stop();
  return fixture;
}

function configOf(fixture: ClassifyFixture): ClassifyConfig {
  return loadConfig(classifyEnvironment, {
    EXTRACTORS: fixture.extractors.join(),
    DATA_DIR: fixture.dataDir,
  });
}

function exportTo(fixture: ClassifyFixture, path: string, other: { task?: string; extractor?: string } = {}) {
  const options = { task: 'digit', path, format: chooseFormat(path), ...other };
  return exportExamples({ clients: fixture.dependencies(), config: configOf(fixture), ...options });
}

function importFrom(fixture: ClassifyFixture, path: string): Promise<ImportReport> {
  const options = { path, format: chooseFormat(path) };
  return importExamples({ clients: fixture.dependencies(), config: configOf(fixture), ...options });
}

async function ready(): Promise<ClassifyFixture> {
  const fixture = await openFixture();
  await fixture.start();
  return fixture;
}

describe('a training set that is imported into another cluster', () => {
  it('has the same set digest and the same head, in every format', async () => {
    const fixture = await taught();
    const original = (await fixture.heads()).at(-1);
    for (const format of exampleFormats) {
      const path = join(folder, `set${format.extensions[0]}`);
      const header = await exportTo(fixture, path);
      expect(header).toMatchObject({ examples, setDigest: original?.setDigest });
      const other = await ready();
      const report = await importFrom(other, path);
      expect(report).toMatchObject({ examples, vectorsSent: examples, labelsSent: examples, unchanged: 0 });
      const head = await other.settled(examples);
      expect([head.setDigest, head.digest]).toEqual([original?.setDigest, original?.digest]);
    }
  });

  it('gives the same lines when it is exported again', async () => {
    const fixture = await taught();
    const [here, there] = [join(folder, 'here.jsonl'), join(folder, 'there.jsonl')];
    await exportTo(fixture, here);
    const other = await ready();
    await importFrom(other, here);
    await other.settled(examples);
    await exportTo(other, there);
    expect(readFileSync(there, 'utf8')).toBe(readFileSync(here, 'utf8'));
  });

  it('is sent once, however often it is imported, and needs no record where it came from', async () => {
    const fixture = await taught();
    const path = join(folder, 'set.avro');
    await exportTo(fixture, path);
    const nothing = { vectorsSent: 0, labelsSent: 0, unchanged: examples };
    expect(await importFrom(fixture, path)).toMatchObject(nothing);
    const other = await ready();
    await importFrom(other, path);
    expect(await importFrom(other, path)).toMatchObject(nothing);
  });

  it('resumes an interrupted import', async () => {
    const fixture = await taught();
    const path = join(folder, 'set.jsonl');
    await exportTo(fixture, path);
    const other = await ready();
    const lines = readFileSync(path, 'utf8').split('\n');
    const part = join(folder, 'part.jsonl');
    const header = { ...(JSON.parse(lines[0] ?? '') as object), examples: null, setDigest: null };
    writeFileSync(part, [JSON.stringify(header), ...lines.slice(1, 11)].join('\n'));
    expect(await importFrom(other, part)).toMatchObject({ examples: 10, vectorsSent: 10 });
    expect(await importFrom(other, path)).toMatchObject({ vectorsSent: examples - 10, unchanged: 10 });
    await other.settled(examples);
  });

  it('reports its progress when it is stopped, and sends the rest when it is repeated', async () => {
    const path = join(folder, 'own.jsonl');
    const shape = { extractor: 'eight.v1', task: 'digit', dimensions: 8 };
    const rows = Array.from({ length: 450 }, (_, image) => ({
      imageId: `i${image}`,
      label: `c${image % 3}`,
      assignedAt: dayOne + 2_000 + image,
      vector: vectorOf(image % 3, image),
    }));
    const header = { format: 'headwater-examples', formatVersion: 1, ...shape };
    writeFileSync(path, [header, ...rows].map((one) => JSON.stringify(one)).join('\n'));
    const fixture = await ready();
    const stop = new AbortController();
    const told: ImportSoFar[] = [];
    const importing = importExamples({
      clients: fixture.dependencies(),
      config: configOf(fixture),
      path,
      format: chooseFormat(path),
      signal: stop.signal,
      progress: ({ stage }) => void (stage === 'sending' && stop.abort(new Error('enough'))),
      stopped: (soFar) => told.push(soFar),
    });
    await expect(importing).rejects.toThrow('enough');
    expect(told).toEqual([{ examples: 450, done: 200, vectorsSent: 200, labelsSent: 200 }]);
    expect(await importFrom(fixture, path)).toMatchObject({
      vectorsSent: 250,
      labelsSent: 250,
      unchanged: 200,
    });
  });

  it('keeps a newer label of a person', async () => {
    const fixture = await taught();
    const path = join(folder, 'set.jsonl');
    await exportTo(fixture, path);
    const other = await ready();
    await other.sendLabel('i1', 'c0', { assignedAt: dayOne + 9_000 });
    expect(await importFrom(other, path)).toMatchObject({ vectorsSent: examples, labelsSent: examples - 1 });
    await other.settled(examples);
    const learned = await other.decoded(other.names.topics.examples, other.codecs.examples);
    expect(learned.filter(({ imageId }) => imageId === 'i1').at(-1)?.label).toBe('c0');
  });

  it('keeps the labels of other tasks that came with a vector', async () => {
    const fixture = await taught();
    const path = join(folder, 'set.jsonl');
    await exportTo(fixture, path);
    const other = await ready();
    await other.sendVector('i1', vectorOf(2, 50), { labels: { colour: 'blue' }, receivedAt: dayOne + 1_500 });
    await importFrom(other, path);
    const vectors = await other.records(other.names.topics.vectors('eight.v1'));
    const newest = vectors.filter(({ key }) => key?.toString() === 'i1').at(-1)?.value;
    const decoded = await other.codecs.vectors.get('eight.v1')?.decode(newest ?? Buffer.alloc(0));
    expect(decoded).toMatchObject({ labels: { colour: 'blue' }, receivedAt: dayOne + 1_500, source: 'test' });
  });

  it('is not sent at all when the file does not match its header', async () => {
    const fixture = await taught();
    const path = join(folder, 'set.jsonl');
    await exportTo(fixture, path);
    const lines = readFileSync(path, 'utf8').split('\n');
    const other = await ready();
    const stated = JSON.parse(lines[0] ?? '') as object;
    const open = JSON.stringify({ ...stated, examples: null, setDigest: null });
    const wrong: [string[], string][] = [
      [[open, lines[5] ?? '', lines[6] ?? '', lines[5] ?? ''], 'record-invalid'],
      [[open, lines[5]?.replace(/"assignedAt":\d+/, '"assignedAt":4102444800000') ?? ''], 'record-invalid'],
      [lines.toSpliced(5, 1), 'statistics-mismatch'],
      [[...lines.slice(0, 6), lines[5] ?? '', ...lines.slice(6)], 'record-invalid'],
      [lines.with(7, lines[7]?.replace(/"label":"c\d"/, '"label":"c9"') ?? ''), 'statistics-mismatch'],
      [lines.with(7, lines[7]?.slice(0, 40) ?? ''), 'record-invalid'],
      [lines.with(0, '{}'), 'record-invalid'],
    ];
    for (const [content, code] of wrong) {
      writeFileSync(path, content.join('\n'));
      await expect(importFrom(other, path)).rejects.toMatchObject({ code });
    }
    expect(await other.records(other.names.topics.vectors('eight.v1'))).toEqual([]);
    expect(await other.records(other.names.topics.labels)).toEqual([]);
  });

  it('is not exported for an unknown task: the error lists the tasks', async () => {
    const fixture = await taught();
    const path = join(folder, 'set.jsonl');
    const misspelt = exportTo(fixture, path, { task: 'digits' });
    await expect(misspelt).rejects.toThrow('no task digits; existing tasks: digit');
    const other = exportTo(fixture, path, { extractor: 'nine.v1' });
    await expect(other).rejects.toThrow('no labelled example of nine.v1; it has heads of eight.v1');
    expect(existsSync(path)).toBe(false);
  });

  it('leaves no file when the export fails', async () => {
    const fixture = await taught();
    const path = join(folder, 'set.jsonl');
    const stop = new AbortController();
    const exporting = exportExamples({
      clients: fixture.dependencies(),
      config: configOf(fixture),
      task: 'digit',
      path,
      format: chooseFormat(path),
      signal: stop.signal,
      progress: ({ stage }) => void (stage === 'writing examples' && stop.abort(new Error('enough'))),
    });
    await expect(exporting).rejects.toThrow('enough');
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, false]);
  });
});

describe('a head that is imported into another cluster', () => {
  it('is published under a new version, once, and predicts the same', async () => {
    const fixture = await taught();
    const catalog = await HeadCatalog.read(fixture.dependencies());
    const original = await catalog.open(catalog.pick({ task: 'digit' }));
    const file = decodeHeadFile(encodeHeadFile(original));
    const other = await openFixture();
    await (await other.start()).stop();
    const clients = other.dependencies();
    expect(await importHead(file, clients, configOf(other))).toMatchObject({
      published: true,
      head: { version: 1 },
    });
    expect(await importHead(file, clients, configOf(other))).toMatchObject({ published: false });
    const there = await HeadCatalog.read(clients);
    const imported = await there.open(there.pick({ task: 'digit' }));
    expect(imported).toMatchObject({
      digest: original.digest,
      setDigest: original.setDigest,
      trainedAt: original.trainedAt,
      watermark: 0,
      measurements: { 'imported.version': original.version, 'imported.watermark': original.watermark },
    });
    expect(Buffer.from(imported.parameters).equals(Buffer.from(original.parameters))).toBe(true);
    expect(there.activation('digit')).toBeUndefined();
  });

  it('includes its parameters, also from the blob store', async () => {
    const fixture = await taught();
    const catalog = await HeadCatalog.read(fixture.dependencies());
    const original = await catalog.open(catalog.pick({ task: 'digit' }));
    const file = decodeHeadFile(encodeHeadFile(original));
    const other = await openFixture();
    await (await other.start()).stop();
    const clients = other.dependencies();
    await importHead(file, clients, { HEAD_INLINE_BYTES: 0 });
    const [record] = await other.heads();
    expect(record?.parameters).toMatchObject({ byteLength: original.parameters.length });
    const there = await HeadCatalog.read(clients);
    const text = encodeHeadFile(await there.open(there.pick({ task: 'digit' })));
    expect(decodeHeadFile(text)).toMatchObject({ digest: original.digest, parameters: file.parameters });
  });

  it('is rejected where the extractor has other dimensions', async () => {
    const fixture = await taught();
    const catalog = await HeadCatalog.read(fixture.dependencies());
    const original = await catalog.open(catalog.pick({ task: 'digit' }));
    const file = decodeHeadFile(encodeHeadFile({ ...original, extractor: 'lenet-digits.v1' }));
    const importing = importHead(file, fixture.dependencies(), configOf(fixture));
    await expect(importing).rejects.toMatchObject({ code: 'head-invalid' });
  });

  it('takes another version when the trainer takes the same one concurrently', async () => {
    const fixture = await taught();
    const clients = fixture.dependencies();
    const catalog = await HeadCatalog.read(clients);
    const original = await catalog.open(catalog.pick({ task: 'digit' }));
    const rival = {
      ...original,
      kind: 'ncm' as const,
      version: 1,
      parameters: Buffer.from(original.parameters),
    };
    const topic = fixture.names.topics.heads;
    const key = compositeKey('eight.v1', 'digit', 'ncm', '1');
    const value = fixture.codecs.heads.encode(rival);
    let raced = false;
    const racing = {
      ...clients,
      log: {
        ...bound(clients.log),
        openProducer: async () => {
          const producer = await clients.log.openProducer();
          const send = async (records: readonly OutgoingRecord[]) => {
            if (!raced) await producer.send([{ topic, key, value }]);
            raced = true;
            await producer.send(records);
          };
          return { send, close: () => producer.close() };
        },
      },
    };
    const head = { ...headOf(decodeHeadFile(encodeHeadFile(original))), kind: 'ncm' as const };
    const context = { extractor: 'eight.v1', task: 'digit', watermark: 0n, prequential: {} };
    const published = await publishHead({ clients: racing, head, context, inlineBytes: 1 << 20 });
    expect(published.version).toBe(2);
    const newest = new Map(
      (await fixture.records(topic)).map((record) => [record.key?.toString(), record.value]),
    );
    expect(newest.get(key)?.equals(value)).toBe(true);
    expect(newest.get(compositeKey('eight.v1', 'digit', 'ncm', '2'))).toBeInstanceOf(Buffer);
    const twoKinds = await HeadCatalog.read(clients);
    const ambiguous = expect.objectContaining({ code: 'request-invalid' });
    expect(() => twoKinds.pick({ task: 'digit', version: 1 })).toThrow(ambiguous);
  });

  it('can be selected by its properties', async () => {
    const fixture = await taught();
    const catalog = await HeadCatalog.read(fixture.dependencies());
    const serving = catalog.activation('digit');
    expect(catalog.pick({})).toMatchObject({ kind: serving?.kind, version: serving?.version });
    expect(() => catalog.pick({ task: 'nothing' })).toThrow(expect.objectContaining({ code: 'not-found' }));
    const [oldest] = catalog.list({ kind: serving?.kind }).toReversed();
    expect(catalog.pick({ version: oldest?.version, kind: oldest?.kind })).toMatchObject({
      digest: oldest?.digest,
    });
  });
});

/** The methods of an object whose class hides them from a spread. */
function bound(log: ClassifyFixture['log']): ClassifyFixture['log'] {
  return {
    kind: log.kind,
    admin: log.admin,
    blocked: () => log.blocked(),
    openProducer: () => log.openProducer(),
    openTransactions: (id) => log.openTransactions(id),
    openPartitionGroup: (options) => log.openPartitionGroup(options),
    follow: (options) => log.follow(options),
    read: (options) => log.read(options),
    close: () => log.close(),
  };
}

it('has no file of an empty set', async () => {
  const fixture = await ready();
  const exporting = exportTo(fixture, join(folder, 'set.jsonl'));
  await expect(exporting).rejects.toMatchObject({ code: 'head-not-ready' });
});
