/**
 * Writes what this version stores, for later versions to open: `npm run build && node test/upgrade/write-fixture.mjs [FOLDER]`, by default
 * test/upgrade/fixtures/<version>. It uses what the packages export, and a log in memory, whose offsets a replay reproduces.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createFolderBlobStore } from '@headwater/blobs';
import { classifyEnvironment, startClassify } from '@headwater/classify';
import { chooseFormat, encodeHeadFile, exportExamples, HeadCatalog } from '@headwater/classify/exchange';
import { createDigitsSource } from '@headwater/demo/sources';
import { extractEnvironment, startExtract } from '@headwater/extract';
import { createMemoryLog, topicSpecs } from '@headwater/log';
import { createFingerprintIds, openCodec } from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  loadConfig,
  namesOf,
  topicOptions,
} from '@headwater/service-kit';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const out = process.argv[2] ?? join(root, 'test/upgrade/fixtures', version);
const extractor = 'lenet-digits.v1';
const tasks = ['digit', 'parity'];
const count = 60;
/** The first moment of the images, in milliseconds since 1970. */
const dayOne = 1_700_000_000_000;

const dataDir = mkdtempSync(join(tmpdir(), 'headwater-fixture-'));
const variables = {
  EXTRACTOR: extractor,
  EXTRACTORS: extractor,
  TASKS: tasks.join(),
  HEADS: 'lda',
  PARTITIONS: '2',
  REPLICATION_FACTOR: '1',
  SETTLE_AFTER_MS: '100',
  DATA_DIR: dataDir,
  HTTP_HOST: '127.0.0.1',
  HTTP_PORT: '0',
};

const log = createMemoryLog();
const configs = {
  extract: loadConfig(extractEnvironment, variables),
  classify: loadConfig(classifyEnvironment, variables),
};
const names = namesOf(configs.classify);
const clients = {
  log,
  names,
  schemaIds: createFingerprintIds(),
  blobs: createFolderBlobStore({ root: join(dataDir, 'blobs') }),
  logger: createLogger({ name: 'fixture', level: 'error' }),
};
const specs = topicSpecs(names, topicOptions(configs.classify, [extractor]));

async function until(condition, what) {
  for (let look = 0; look < 1_200; look += 1) {
    const found = await condition();
    if (found) return found;
    await setTimeout(100);
  }
  throw new Error(`not so after two minutes: ${what}`);
}

function startServices() {
  const own = () => ({
    ...clients,
    metrics: createMetrics({ processDefaults: false }),
    health: createHealth(),
  });
  return Promise.all([startClassify(configs.classify, own()), startExtract(configs.extract, own())]);
}

async function sendAll() {
  const { images, labels } = names.topics;
  const imageCodec = await openCodec(clients.schemaIds, 'ImageReceived', images);
  const labelCodec = await openCodec(clients.schemaIds, 'LabelAssigned', labels);
  const producer = await log.openProducer();
  let index = 0;
  for await (const { bytes, label } of createDigitsSource({ task: 'digit', extractor }).images(count)) {
    const id = `image-${index}`;
    const fields = { source: 'fixture', receivedAt: dayOne + index, attributes: {}, labels: {}, group: null };
    const facts = { mediaType: 'image/png', width: 28, height: 28 };
    const image = imageCodec.encode({ id, ...facts, ...fields, content: bytes });
    await producer.send([{ topic: images, key: id, value: image }]);
    for (const task of tasks) {
      const given = task === 'digit' ? label : Number(label) % 2 === 0 ? 'even' : 'odd';
      const at = dayOne + 10_000 + index;
      const assigned = { imageId: id, task, label: given, assignedAt: at, annotator: 'fixture' };
      await producer.send([{ topic: labels, key: id, value: labelCodec.encode(assigned) }]);
    }
    index += 1;
  }
  await producer.close();
}

async function settledHeads() {
  const catalog = await HeadCatalog.read(clients);
  const heads = tasks.map((task) => catalog.list({ task })[0]);
  const ready = heads.every((head) => head?.mode === 'settled' && head.examples === count);
  return ready && heads.every((head) => catalog.isServing(head)) ? { catalog, heads } : undefined;
}

async function allCommitted() {
  const groups = await committedOffsets();
  const ends = await log.admin.offsets(names.topics.images);
  const done = groups.find(
    ({ group, topic }) => group === names.groups.extract(extractor) && topic === names.topics.images,
  );
  return done !== undefined && ends.every(({ high }, index) => done.offsets[index] === String(high));
}

async function committedOffsets() {
  const groups = [names.groups.extract(extractor), names.groups.join, names.groups.train];
  const found = [];
  for (const group of groups) {
    for (const { name: topic } of specs) {
      const offsets = await log.admin.committed(group, topic);
      if (offsets.some((offset) => offset !== undefined))
        found.push({
          group,
          topic,
          offsets: offsets.map((offset) => (offset === undefined ? null : String(offset))),
        });
    }
  }
  return found;
}

async function recordLines() {
  const lines = [];
  for (const { name } of specs) {
    const partitions = (await log.admin.partitions(name)) ?? 0;
    for (let partition = 0; partition < partitions; partition += 1) {
      let next = 0n;
      for await (const records of log.read({ topic: name, partition })) {
        for (const { offset, timestamp, key, value, headers } of records) {
          if (offset !== next) throw new Error(`${name}/${partition}: the log has a gap at ${next}`);
          next += 1n;
          const text = Object.entries(headers).map(([header, bytes]) => [header, bytes.toString('base64')]);
          const base64 = (bytes) => (bytes === null ? null : bytes.toString('base64'));
          lines.push(
            JSON.stringify({
              topic: name,
              partition,
              timestamp,
              key: base64(key),
              value: base64(value),
              headers: text,
            }),
          );
        }
      }
    }
  }
  return lines;
}

async function write({ catalog, heads }) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const headFile = encodeHeadFile(await catalog.open(heads[0]));
  writeFileSync(join(out, 'head.json.gz'), gzipSync(headFile, { level: 9 }));
  for (const path of ['examples.jsonl', 'examples.avro']) {
    const options = { clients, config: configs.classify, task: tasks[0], format: chooseFormat(path) };
    await exportExamples({ ...options, path: join(out, path) });
    writeFileSync(join(out, `${path}.gz`), gzipSync(readFileSync(join(out, path)), { level: 9 }));
    rmSync(join(out, path));
  }
  const lines = await recordLines();
  writeFileSync(
    join(out, 'records.jsonl.gz'),
    gzipSync(lines.map((line) => `${line}\n`).join(''), { level: 9 }),
  );
  execFileSync('tar', [
    '--create',
    '--gzip',
    '--file',
    join(out, 'data.tar.gz'),
    '--directory',
    dataDir,
    '.',
  ]);
  const expected = {
    version,
    extractor,
    tasks,
    partitions: variables.PARTITIONS,
    topics: specs.map(({ name }) => name),
    records: lines.length,
    committed: await committedOffsets(),
    heads: heads.map(({ task, kind, version: number, examples, digest, setDigest }) => ({
      task,
      kind,
      version: number,
      examples,
      headDigest: digest,
      setDigest,
    })),
  };
  writeFileSync(join(out, 'expected.json'), `${JSON.stringify(expected, null, 2)}\n`);
}

try {
  const services = await startServices();
  await sendAll();
  await until(allCommitted, 'all images are extracted');
  const found = await until(settledHeads, 'a settled head of all examples for each task');
  for (const service of services.toReversed()) await service.stop();
  await write((await settledHeads()) ?? found);
  process.stdout.write(`${out}\n`);
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit();
