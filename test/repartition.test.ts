/** Other partitions for the topics of a running installation: everything is there afterwards, and nothing is done twice. */
import { randomUUID } from 'node:crypto';
import {
  createKafkaLog,
  createLogger,
  createMemoryLog,
  createNames,
  type Lanes,
  type Log,
  type LogRecord,
  type Names,
  sourceHeaders,
  topicSpecs,
} from '@headwater/stream';
import { Kafka, logLevel } from 'kafkajs';
import { expect, inject, it, onTestFinished } from 'vitest';
import { type RepartitionOptions, repartition } from '../cli/src/repartition/repartition.ts';
import { eventually, Rig, refOf, vectorOf } from '../services/classify/src/testing/rig.ts';

const extractor = 'eight.v1';
const labelled = 30;

async function openRig(log: Log, partitions: number, names: Names): Promise<Rig> {
  const specs = topicSpecs(names, { extractors: [extractor], partitions, replicationFactor: 1 });
  await log.admin.ensureTopics(specs, { create: true });
  const rig = await Rig.open({ log, names, partitions });
  onTestFinished(() => rig.close());
  return rig;
}

/** Turns images, whose value is a number, into vectors. */
async function startExtract({ log, names, codecs }: Rig): Promise<Lanes> {
  const group = names.groups.extract(extractor);
  const lanes = await log.openLanes({
    group,
    topics: [names.topics.images],
    transactionalId: (lane) => names.transactionalId(group, lane),
    deadLetterTopic: names.topics.deadLetters,
    open: async () => ({
      close: () => undefined,
      process: async (records) => ({ deadLetters: [], records: records.map((cause) => vectorRecord(cause)) }),
    }),
  });
  await lanes.ready;
  return lanes;

  function vectorRecord(cause: LogRecord) {
    const image = Number(cause.value);
    const value = codecs.vectors.get(extractor)?.encode({
      imageId: String(cause.key),
      extractor: refOf(extractor),
      vector: Float32Array.from(vectorOf(image % 3, image)),
      labels: {},
      group: null,
      source: 'test',
      receivedAt: 1_000,
      extractedAt: 1_001,
    });
    return { topic: names.topics.vectors(extractor), key: cause.key, value: value ?? null, cause };
  }
}

async function sendImages(rig: Rig, from: number, to: number): Promise<void> {
  for (let image = from; image < to; image += 1) {
    await rig.send(rig.names.topics.images, `i${image}`, Buffer.from(String(image)));
  }
}

async function sendLabels(rig: Rig, from: number, to: number): Promise<void> {
  for (let image = from; image < to; image += 1) await rig.sendLabel(`i${image}`, `c${image % 3}`);
}

/** Starts both services, waits until there is a prediction for each image and every label is learned, and stops them. */
async function work(rig: Rig, images: number, labels: number, during = async () => undefined as unknown) {
  const service = await rig.start();
  const extract = await startExtract(rig);
  await during();
  await eventually(async () => (await rig.predictions()).length >= images);
  const head = await rig.settled(labels);
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

/** Every output names a record that is there, and is of the same image. */
async function expectSources(rig: Rig): Promise<void> {
  const { topics } = rig.names;
  const vectors = await rig.records(topics.vectors(extractor));
  const placeOf = ({ topic, partition, offset }: LogRecord) => `${topic}/${partition}/${offset}`;
  const keys = new Map(
    [...vectors, ...(await rig.records(topics.images))].map((record) => [
      placeOf(record),
      String(record.key),
    ]),
  );
  for (const { key, headers } of [...vectors, ...(await rig.records(topics.predictions))]) {
    const place = Object.values(sourceHeaders).map((name) => headers[name]?.toString());
    expect(keys.get(place.join('/'))).toBe(String(key));
  }
}

/** Ends the command after every few of its steps, until it comes through. Returns how often it was ended. */
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

it('moves all topics to other partitions, however often it is ended, and loses and repeats nothing', async () => {
  const log = createKafkaLog({ brokers: inject('brokers') }, createLogger({ name: 'test', level: 'fatal' }));
  onTestFinished(() => log.close());
  const prefix = `repartition-${randomUUID().slice(0, 8)}.`;
  const names = createNames({ topicPrefix: prefix, groupPrefix: prefix, transactionalIdPrefix: prefix });
  const rig = await openRig(log, 2, names);
  const options = {
    clients: rig.dependencies(),
    extractors: [extractor],
    partitions: 4,
    progressTopic: `${prefix}headwater.repartition`,
    folder: rig.dataDir,
    quietMs: 100,
    progress: () => undefined,
  };
  const signal = new AbortController().signal;
  await work(rig, 40, 20, async () => {
    await sendLabels(rig, 0, 10);
    await sendImages(rig, 0, 40);
    await sendLabels(rig, 10, 20);
    await expect(repartition({ ...options, signal })).rejects.toMatchObject({ code: 'request-invalid' });
  });
  // Of these nothing is processed when the topics are moved.
  await sendImages(rig, 40, 50);
  await sendLabels(rig, 20, 25);

  expect(await repartitionWithEndings(options)).toBeGreaterThan(3);
  expect((await repartition({ ...options, signal })).topics).toEqual([]);
  await expectSources(rig);
  const small = await work(rig, 50, 25);

  await addPartitions(names, 8);
  await sendImages(rig, 50, 60);
  await sendLabels(rig, 25, labelled);
  await expect(rig.start()).rejects.toMatchObject({ code: 'topic-mismatch', context: { before: 4, now: 8 } });
  const { topics, sets } = await repartition({ ...options, partitions: 8, signal });
  expect(topics.map(({ before, partitions }) => [before, partitions])).toEqual(topics.map(() => [8, 8]));
  expect(sets.map(({ examples, setDigest }) => [examples, setDigest])).toEqual([[25, small.setDigest]]);
  await expectSources(rig);
  const large = await work(rig, 60, labelled);
  const predicted = (await rig.predictions()).map(({ imageId }) => imageId).sort();
  expect(predicted).toEqual(Array.from({ length: 60 }, (_, image) => `i${image}`).sort());

  const undisturbed = await openRig(createMemoryLog(), 1, createNames());
  const expected = await work(undisturbed, 60, labelled, async () => {
    await sendImages(undisturbed, 0, 60);
    await sendLabels(undisturbed, 0, labelled);
  });
  expect(large).toEqual(expected);
});
