/** A run as the services would leave it, written by hand and then tampered with: each wrong must be counted. */
import { HeadwaterError } from '@headwater/errors';
import {
  createMemoryLog,
  createNames,
  deadLetterHeaders,
  type Log,
  type LogRecord,
  type OutgoingRecord,
  topicSpecs,
} from '@headwater/log';
import {
  compositeKey,
  createFingerprintIds,
  type Example,
  openCodec,
  openVectorCodec,
  openVectorReader,
  type VectorContract,
} from '@headwater/schemas';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AuditOptions, auditRun } from './audit.ts';

const contract: VectorContract = {
  extractor: 'tiny.v1',
  dimensions: 2,
  elementType: 'float32',
  byteOrder: 'little-endian',
  normalization: 'none',
  description: 'Two numbers.',
};
const { extractor } = contract;
const names = createNames();
const { topics } = names;
const ids = createFingerprintIds();
const images = await openCodec(ids, 'ImageReceived', topics.images);
const labels = await openCodec(ids, 'LabelAssigned', topics.labels);
const examples = await openCodec(ids, 'Example', topics.examples);
const predictions = await openCodec(ids, 'ImageClassified', topics.predictions);
const vectors = await openVectorCodec(ids, contract, topics.vectors(extractor));
const vectorReader = openVectorReader(ids);

let log: Log;

beforeEach(async () => {
  log = createMemoryLog();
  const specs = topicSpecs(names, { extractors: [extractor], partitions: 3 });
  await log.admin.ensureTopics(specs, { create: true });
});

async function write(...records: OutgoingRecord[]): Promise<void> {
  const producer = await log.openProducer();
  await producer.send(records);
}

async function readTopic(topic: string): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for (let partition = 0; partition < ((await log.admin.partitions(topic)) ?? 0); partition++) {
    for await (const records of log.read({ topic, partition })) found.push(...records);
  }
  return found;
}

function image(id: string): OutgoingRecord {
  const value = images.encode({
    id,
    source: 'test',
    receivedAt: 1,
    mediaType: 'image/png',
    width: 1,
    height: 1,
    content: Buffer.from(id),
    attributes: {},
    labels: {},
    group: null,
  });
  return { topic: topics.images, key: id, value };
}

function vector(cause: LogRecord, stated: Record<string, string> = {}): OutgoingRecord {
  const imageId = String(cause.key);
  const value = vectors.encode({
    imageId,
    extractor: { name: 'tiny', version: 'v1', digest: '00' },
    vector: Float32Array.of(1, 2),
    labels: stated,
    group: null,
    source: 'test',
    receivedAt: 1,
    extractedAt: 2,
  });
  return { topic: topics.vectors(extractor), key: imageId, value, cause };
}

function prediction(cause: LogRecord, task = 'digit', by = extractor): OutgoingRecord {
  const imageId = String(cause.key);
  const value = predictions.encode({
    imageId,
    task,
    extractor: by,
    head: null,
    label: null,
    abstained: false,
    probabilities: {},
    novelty: null,
    receivedAt: 1,
    predictedAt: 3,
  });
  return { topic: topics.predictions, key: imageId, value, cause };
}

function label(imageId: string, text: string | null, assignedAt = 10): OutgoingRecord {
  const value = labels.encode({ imageId, task: 'digit', label: text, assignedAt, annotator: 'me' });
  return { topic: topics.labels, key: imageId, value };
}

function example(imageId: string, text: string | null): OutgoingRecord {
  const value: Example = {
    extractor,
    task: 'digit',
    imageId,
    label: text,
    assignedAt: 10,
    annotator: 'me',
    group: null,
    vector: Int16Array.of(1, 2),
  };
  return {
    topic: topics.examples,
    partition: 1,
    key: compositeKey(extractor, 'digit', imageId),
    value: examples.encode(value),
  };
}

function deadLetter(record: LogRecord): OutgoingRecord {
  const error = new HeadwaterError('image-unreadable', 'no');
  return {
    topic: topics.deadLetters(record.topic),
    key: record.key,
    value: record.value,
    headers: {
      [deadLetterHeaders.topic]: record.topic,
      [deadLetterHeaders.partition]: String(record.partition),
      [deadLetterHeaders.offset]: String(record.offset),
      [deadLetterHeaders.exceptionMessage]: error.message,
    },
  };
}

const imageIds = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** Everything as it should be, but for what `spoil` leaves out, doubles or changes on the way. */
async function runPipeline(spoil: (record: OutgoingRecord) => OutgoingRecord[] = (record) => [record]) {
  const put = (records: OutgoingRecord[]) => write(...records.flatMap(spoil));
  await put(imageIds.map(image));
  await put((await readTopic(topics.images)).map((record) => vector(record)));
  await put((await readTopic(topics.vectors(extractor))).map((record) => prediction(record)));
  await put(['a', 'b', 'c'].map((id) => label(id, '1')));
  await put(['a', 'b', 'c'].map((id) => example(id, '1')));
}

function audit(options: Partial<AuditOptions> = {}) {
  return auditRun({
    log,
    names,
    extractor,
    tasks: ['digit'],
    start: new Map(),
    accepted: imageIds,
    decoders: {
      label: (bytes) => labels.decode(bytes),
      example: (bytes) => examples.decode(bytes),
      prediction: (bytes) => predictions.decode(bytes),
      vector: (bytes) => vectorReader.decode(bytes),
    },
    ...options,
  });
}

const only = (topic: string, key: string) => (record: OutgoingRecord) =>
  record.topic === topic && String(record.key) === key;

describe('an audit', () => {
  it('finds nothing wrong where nothing is', async () => {
    await runPipeline();
    await expect(audit()).resolves.toEqual({
      images: 8,
      vectors: 8,
      predictions: 8,
      labels: 3,
      examples: 3,
      deadLetters: 0,
      lost: 0,
      duplicates: 0,
      findings: [],
    });
  });

  it('counts an image without a vector, with its position', async () => {
    await runPipeline((record) => (only(topics.vectors(extractor), 'd')(record) ? [] : [record]));
    const [lost] = (await readTopic(topics.images)).filter(({ key }) => String(key) === 'd');
    const report = await audit();
    expect(report).toMatchObject({ vectors: 7, predictions: 7, lost: 1, duplicates: 0 });
    expect(report.findings).toEqual([
      { kind: 'lost', what: 'vector', where: `images/${lost?.partition}/${lost?.offset}` },
    ]);
  });

  it('counts a vector without its prediction', async () => {
    await runPipeline((record) => (only(topics.predictions, 'd')(record) ? [] : [record]));
    await expect(audit()).resolves.toMatchObject({ predictions: 7, lost: 1, duplicates: 0 });
  });

  it('counts a second prediction for one vector, and a third', async () => {
    await runPipeline((record) => (only(topics.predictions, 'd')(record) ? [record, record] : [record]));
    await expect(audit()).resolves.toMatchObject({ predictions: 9, lost: 0, duplicates: 1 });
    const [source] = (await readTopic(topics.vectors(extractor))).filter(({ key }) => String(key) === 'd');
    if (source !== undefined) await write(prediction(source));
    await expect(audit()).resolves.toMatchObject({ predictions: 10, lost: 0, duplicates: 2 });
  });

  it('counts a second vector for one image', async () => {
    await runPipeline((record) =>
      only(topics.vectors(extractor), 'd')(record) ? [record, record] : [record],
    );
    await expect(audit()).resolves.toMatchObject({ vectors: 9, predictions: 9, lost: 0, duplicates: 1 });
  });

  it('takes a prediction without provenance for none', async () => {
    await runPipeline((record) => {
      if (!only(topics.predictions, 'd')(record)) return [record];
      const { cause: _, ...orphan } = record;
      return [orphan];
    });
    await expect(audit()).resolves.toMatchObject({ predictions: 8, lost: 1, duplicates: 0 });
  });

  it('does not let an answer to another task or of another extractor count', async () => {
    await runPipeline((record) => {
      const { cause } = record;
      if (record.topic !== topics.predictions || cause === undefined) return [record];
      if (String(record.key) === 'd') return [prediction(cause, 'other')];
      return String(record.key) === 'e' ? [prediction(cause, 'digit', 'other.v1')] : [record];
    });
    await expect(audit()).resolves.toMatchObject({ predictions: 8, lost: 2, duplicates: 0 });
  });

  it('asks for an answer to each task', async () => {
    await runPipeline();
    await expect(audit({ tasks: ['digit', 'colour'] })).resolves.toMatchObject({ lost: 8, duplicates: 0 });
  });

  it('takes a dead letter for an outcome', async () => {
    await runPipeline((record) => {
      const { cause } = record;
      if (cause === undefined || String(record.key) !== 'd') return [record];
      if (record.topic === topics.vectors(extractor)) return [deadLetter(cause)];
      return record.topic === topics.predictions ? [] : [record];
    });
    await expect(audit()).resolves.toMatchObject({ vectors: 7, deadLetters: 1, lost: 0, duplicates: 0 });
  });

  it('counts an image that HTTP accepted and Kafka never saw', async () => {
    await runPipeline();
    const report = await audit({ accepted: [...imageIds, 'promised'] });
    expect(report.lost).toBe(1);
    expect(report.findings[0]?.where).toBe('promised');
  });

  it('distinguishes an image that was sent twice from one with two outputs', async () => {
    await runPipeline((record) => (only(topics.images, 'd')(record) ? [record, record] : [record]));
    await expect(audit()).resolves.toMatchObject({ images: 9, vectors: 9, lost: 0, duplicates: 0 });
  });

  it('leaves the records of earlier runs alone', async () => {
    await runPipeline((record) => (only(topics.predictions, 'd')(record) ? [] : [record]));
    const start = new Map<string, bigint[]>();
    for (const topic of [topics.images, topics.labels, topics.vectors(extractor), topics.predictions]) {
      start.set(
        topic,
        (await log.admin.offsets(topic)).map(({ high }) => high),
      );
    }
    await expect(audit({ start, accepted: [] })).resolves.toMatchObject({ images: 0, labels: 0, lost: 0 });
  });
});

describe('an audit of labels', () => {
  it('counts a label that never became an example', async () => {
    await runPipeline((record) =>
      record.topic === topics.examples && String(record.key).endsWith('/b') ? [] : [record],
    );
    const report = await audit();
    expect(report).toMatchObject({ examples: 2, lost: 1 });
    expect(report.findings).toEqual([{ kind: 'lost', what: 'example of digit', where: 'b' }]);
  });

  it('wants the newest label, whatever the order of the topic', async () => {
    await runPipeline();
    await write(label('a', '7', 20), label('b', '7', 5));
    await expect(audit()).resolves.toMatchObject({ labels: 3, lost: 1 });
    await write(example('a', '7'));
    await expect(audit()).resolves.toMatchObject({ labels: 3, examples: 3, lost: 0 });
  });

  it('wants retracted labels out of the table', async () => {
    await runPipeline();
    await write(label('a', null, 20));
    await expect(audit()).resolves.toMatchObject({ examples: 3, lost: 1 });
    await write(example('a', null));
    await expect(audit()).resolves.toMatchObject({ examples: 2, lost: 0 });
  });

  it('does not ask for an example of an image that has no vector', async () => {
    await runPipeline();
    await write(label('unseen', '1'));
    await expect(audit()).resolves.toMatchObject({ labels: 4, lost: 0 });
  });

  it('counts labels of the source, which labels of a person override', async () => {
    await runPipeline((record) => {
      const { cause } = record;
      const isVector = record.topic === topics.vectors(extractor) && cause !== undefined;
      return isVector ? [vector(cause, { digit: '5' })] : [record];
    });
    await expect(audit()).resolves.toMatchObject({ labels: 8, examples: 3, lost: 5 });
  });

  it('counts a dead letter as the outcome of a label', async () => {
    await runPipeline();
    await write(label('d', '9'));
    await expect(audit()).resolves.toMatchObject({ lost: 1 });
    const [dead] = (await readTopic(topics.labels)).filter(({ key }) => String(key) === 'd');
    if (dead !== undefined) await write(deadLetter(dead));
    await expect(audit()).resolves.toMatchObject({ deadLetters: 1, lost: 0 });
  });

  it('forgets an example that was erased', async () => {
    await runPipeline();
    await write({
      topic: topics.examples,
      partition: 1,
      key: compositeKey(extractor, 'digit', 'a'),
      value: null,
    });
    await expect(audit()).resolves.toMatchObject({ examples: 2, lost: 1 });
  });
});
