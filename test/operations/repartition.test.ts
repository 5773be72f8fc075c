/** Repartitions the topics of an installation: nothing is lost, and nothing is done twice. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createKafkaLog,
  createMemoryLog,
  createNames,
  type Log,
  type LogRecord,
  type Names,
  type PartitionGroup,
  sourceHeaders,
  topicSpecs,
} from '@headwater/log';
import { createFingerprintIds } from '@headwater/schemas';
import { createLogger, prepareTopics } from '@headwater/service-kit';
import { Kafka, logLevel } from 'kafkajs';
import { expect, inject, it, onTestFinished } from 'vitest';
import { type RepartitionOptions, repartition } from '../../cli/src/repartition/repartition.ts';
import {
  ClassifyFixture,
  eventually,
  refOf,
  vectorOf,
} from '../../services/classify/src/testing/classify-fixture.ts';

const extractor = 'eight.v1';
const patienceMs = 60_000;

async function openFixture(log: Log, partitions: number, names: Names): Promise<ClassifyFixture> {
  const specs = topicSpecs(names, { extractors: [extractor], partitions, replicationFactor: 1 });
  await prepareTopics(log.admin, specs, true);
  const fixture = await ClassifyFixture.open({ log, names, partitions });
  onTestFinished(() => fixture.close());
  return fixture;
}

/** Turns images, whose value is a number, into vectors. */
async function startExtract({ log, names, codecs }: ClassifyFixture): Promise<PartitionGroup> {
  const group = names.groups.extract(extractor);
  const partitionGroup = await log.openPartitionGroup({
    group,
    topics: [names.topics.images],
    transactionalId: (partition) => names.transactionalId(group, partition),
    deadLetterTopic: names.topics.deadLetters,
    open: async () => ({
      close: () => undefined,
      process: async (records) => ({ deadLetters: [], records: records.map((cause) => vectorRecord(cause)) }),
    }),
  });
  await partitionGroup.ready;
  return partitionGroup;

  function vectorRecord(cause: LogRecord) {
    const image = Number(cause.value);
    const value = codecs.vectors.get(extractor)?.encode({
      imageId: String(cause.key),
      extractor: refOf(extractor),
      vector: Float32Array.from(vectorOf(image % 3, image)),
      labels: {},
      group: null,
      source: 'test',
      receivedAt: 1_700_000_000_000,
      extractedAt: 1_700_000_000_001,
    });
    return { topic: names.topics.vectors(extractor), key: cause.key, value: value ?? null, cause };
  }
}

async function sendImages(fixture: ClassifyFixture, from: number, to: number): Promise<void> {
  for (let image = from; image < to; image += 1) {
    await fixture.send(fixture.names.topics.images, `i${image}`, Buffer.from(String(image)));
  }
}

async function sendLabels(fixture: ClassifyFixture, from: number, to: number): Promise<void> {
  for (let image = from; image < to; image += 1) await fixture.sendLabel(`i${image}`, `c${image % 3}`);
}

/** Starts both services, waits until there is a prediction for each image and every label is learned, and stops them. */
async function work(
  { fixture, dataDir }: Site,
  images: number,
  labels: number,
  during = async () => undefined as unknown,
) {
  const service = await fixture.start({ DATA_DIR: dataDir });
  const extract = await startExtract(fixture);
  await during();
  await eventually(async () => (await fixture.predictions()).length >= images, patienceMs);
  const head = await fixture.settled(labels, 'digit', patienceMs);
  await extract.close();
  await service.stop();
  return { setDigest: head.setDigest, digest: head.digest };
}

async function addPartitions(names: Names, count: number): Promise<void> {
  const { topics } = names;
  const all = [topics.images, topics.labels, topics.vectors(extractor), topics.examples, topics.predictions];
  const admin = new Kafka({ brokers: inject('brokers'), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createPartitions({ topicPartitions: all.map((topic) => ({ topic, count })) });
  await admin.disconnect();
}

/** Every output names an existing source record of the same image. */
async function expectSources(fixture: ClassifyFixture): Promise<void> {
  const { topics } = fixture.names;
  const vectors = await fixture.records(topics.vectors(extractor));
  const placeOf = ({ topic, partition, offset }: LogRecord) => `${topic}/${partition}/${offset}`;
  const keys = new Map(
    [...vectors, ...(await fixture.records(topics.images))].map((record) => [
      placeOf(record),
      String(record.key),
    ]),
  );
  for (const { key, headers } of [...vectors, ...(await fixture.records(topics.predictions))]) {
    const place = Object.values(sourceHeaders).map((name) => headers[name]?.toString());
    expect(keys.get(place.join('/'))).toBe(String(key));
  }
}

/** Interrupts the command after every few steps until it succeeds. Returns the number of interruptions. */
async function repartitionWithEndings(options: Omit<RepartitionOptions, 'signal'>): Promise<number> {
  for (let endings = 0; ; endings += 1) {
    const ending = new AbortController();
    let steps = 0;
    const stepped = () => {
      steps += 1;
      if (steps === 7) ending.abort(new Error('ended'));
    };
    try {
      const report = await repartition({ ...options, stepped, signal: ending.signal });
      expect(report.topics.map(({ before, partitions }) => [before, partitions])).toEqual(
        report.topics.map(() => [2, 4]),
      );
      return endings;
    } catch (error) {
      if (!ending.signal.aborted) throw error;
    }
  }
}

/** Services and the command of one start, with their own log and the former stores. */
interface Site {
  readonly fixture: ClassifyFixture;
  readonly dataDir: string;
}

function openKafka(): Log {
  const log = createKafkaLog({ brokers: inject('brokers') }, createLogger({ name: 'test', level: 'fatal' }));
  onTestFinished(() => log.close());
  return log;
}

interface Installation {
  readonly names: Names;
  /** Restarted services, with the former local stores. */
  site(partitions: number): Promise<Site>;
  move(partitions: number): RepartitionOptions;
}

function install(): Installation {
  const prefix = `repartition-${randomUUID().slice(0, 8)}.`;
  const names = createNames({ topicPrefix: prefix, groupPrefix: prefix, transactionalIdPrefix: prefix });
  const dataDir = mkdtempSync(join(tmpdir(), 'headwater-repartition-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  return {
    names,
    site: async (partitions) => ({ fixture: await openFixture(openKafka(), partitions, names), dataDir }),
    move: (partitions) => ({
      clients: { log: openKafka(), names, schemaIds: createFingerprintIds() },
      extractors: [extractor],
      partitions,
      progressTopic: `${prefix}headwater.repartition`,
      folder: dataDir,
      quietMs: 50,
      progress: () => undefined,
      signal: new AbortController().signal,
    }),
  };
}

async function sendAll(
  fixture: ClassifyFixture,
  images: readonly [number, number],
  labels: readonly [number, number],
) {
  await sendLabels(fixture, ...labels);
  await sendImages(fixture, ...images);
}

/** The results of installations without a repartitioning. */
async function undisturbed(images: number, labels: number) {
  const fixture = await openFixture(createMemoryLog(), 1, createNames());
  return work({ fixture, dataDir: fixture.dataDir }, images, labels, () =>
    sendAll(fixture, [0, images], [0, labels]),
  );
}

async function expectPredictedOnce(fixture: ClassifyFixture, images: number): Promise<void> {
  const predicted = (await fixture.predictions()).map(({ imageId }) => imageId).sort();
  expect(predicted).toEqual(Array.from({ length: images }, (_, image) => `i${image}`).sort());
}

it('moves all topics, however often it is interrupted, and loses and repeats nothing', async () => {
  const { site, move } = install();
  const before = await site(2);
  await work(before, 30, 20, async () => {
    await sendAll(before.fixture, [0, 30], [0, 20]);
    await expect(repartition(move(4))).rejects.toMatchObject({ code: 'request-invalid' });
  });
  // These are not processed before the repartitioning.
  await sendAll(before.fixture, [30, 40], [20, 25]);
  expect(await repartitionWithEndings(move(4))).toBeGreaterThan(3);
  expect((await repartition(move(4))).topics).toEqual([]);
  const after = await site(4);
  await expectSources(after.fixture);
  expect(await work(after, 40, 25)).toEqual(await undisturbed(40, 25));
  await expectPredictedOnce(after.fixture, 40);
}, 300_000);

it('repairs topics to which another tool added partitions', async () => {
  const { names, site, move } = install();
  const before = await site(2);
  const { setDigest } = await work(before, 30, 20, () => sendAll(before.fixture, [0, 30], [0, 20]));
  await addPartitions(names, 3);
  const grown = await site(3);
  await sendAll(grown.fixture, [30, 40], [20, 25]);
  await expect(grown.fixture.start({ DATA_DIR: grown.dataDir })).rejects.toMatchObject({
    code: 'topic-mismatch',
    context: { before: 2, now: 3 },
  });
  const { topics, sets } = await repartition(move(3));
  expect(topics.map((topic) => [topic.before, topic.partitions])).toEqual(topics.map(() => [3, 3]));
  expect(sets.map((set) => [set.examples, set.setDigest])).toEqual([[20, setDigest]]);
  const after = await site(3);
  await expectSources(after.fixture);
  expect(await work(after, 40, 25)).toEqual(await undisturbed(40, 25));
  await expectPredictedOnce(after.fixture, 40);
}, 300_000);
