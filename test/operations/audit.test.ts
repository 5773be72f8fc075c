/**
 * Gaps made on purpose: group members commit offsets without outputs, like a broker that loses acknowledged
 * records.
 */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBlobStore } from '@headwater/blobs';
import { classifyEnvironment, startClassify } from '@headwater/classify';
import { type AuditReport, audit } from '@headwater/classify/audit';
import { createDigitsSource, type SourceImage } from '@headwater/demo/sources';
import { extractEnvironment, startExtract } from '@headwater/extract';
import { createKafkaLog, createMemoryLog, type Log, type LogRecord } from '@headwater/log';
import { createFingerprintIds, type HeadTrained, openCodec } from '@headwater/schemas';
import {
  createHealth,
  createLogger,
  createMetrics,
  loadConfig,
  namesOf,
  type Service,
} from '@headwater/service-kit';
import { eventually as poll } from '@headwater/testing/eventually';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { runProgram } from '../../cli/src/program.ts';
import { createTestConsole } from '../../cli/src/testing/test-console.ts';

const extractor = 'lenet-digits.v1';
const task = 'digit';
const digits = [...(createDigitsSource({ task, extractor }).images(36) as Iterable<SourceImage>)];
const silent = createLogger({ name: 'test', level: 'fatal' });

let folder = '';
const closing: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-audit-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

class Installation {
  readonly log: Log;
  readonly environment: Readonly<Record<string, string>>;
  readonly #ids = createFingerprintIds();

  constructor(log: Log, name: string) {
    this.log = log;
    const prefix = `${name}-${randomBytes(4).toString('hex')}-`;
    this.environment = {
      KAFKA_BROKERS: inject('brokers').join(),
      TOPIC_PREFIX: prefix,
      GROUP_PREFIX: prefix,
      TRANSACTIONAL_ID_PREFIX: prefix,
      DATA_DIR: join(folder, name),
      PARTITIONS: '2',
      REPLICATION_FACTOR: '1',
      EXTRACTORS: extractor,
      TASKS: task,
      LOG_LEVEL: 'fatal',
    };
    closing.push(() => log.close());
  }

  get names() {
    return namesOf(this.classify);
  }

  get classify() {
    const own = { HTTP_HOST: '127.0.0.1', HTTP_PORT: '0', SETTLE_AFTER_MS: '100' };
    return loadConfig(classifyEnvironment, { ...this.environment, ...own });
  }

  clients() {
    const blobs = createFolderBlobStore({ root: join(folder, 'blobs') });
    return { log: this.log, names: this.names, schemaIds: this.#ids, blobs, logger: silent };
  }

  startExtract(): Promise<Service> {
    const own = { EXTRACTOR: extractor, ENGINE_THREADS: '1', DECODER_PROCESSES: '0' };
    return this.#keep(
      startExtract(loadConfig(extractEnvironment, { ...this.environment, ...own }), this.#dependencies()),
    );
  }

  startClassify(): Promise<Service> {
    return this.#keep(startClassify(this.classify, this.#dependencies()));
  }

  async send(from: number, to: number): Promise<void> {
    const { topics } = this.names;
    const images = await openCodec(this.#ids, 'ImageReceived', topics.images);
    const labels = await openCodec(this.#ids, 'LabelAssigned', topics.labels);
    const producer = await this.log.openProducer();
    for (let at = from; at < to; at++) {
      const { bytes, label } = digits[at] as SourceImage;
      const [key, facts] = [`i${at}`, { mediaType: 'image/png', width: 28, height: 28 }];
      const plain = {
        source: 'test',
        receivedAt: 1_700_000_000_000 + at,
        attributes: {},
        labels: {},
        group: null,
      };
      const image = images.encode({ id: key, ...facts, ...plain, content: Buffer.from(bytes) });
      const stated = { imageId: key, task, label, assignedAt: 1_700_000_100_000 + at, annotator: 'ann' };
      await producer.send([
        { topic: topics.images, key, value: image },
        { topic: topics.labels, key, value: labels.encode(stated) },
      ]);
    }
    await producer.close();
  }

  /** Commits the present ends for the group, and so loses all outputs. */
  async lose(group: string, topics: readonly string[]): Promise<void> {
    const partitionGroup = await this.log.openPartitionGroup({
      group,
      topics,
      open: async () => ({
        process: async () => ({ records: [], deadLetters: [] }),
        close: () => undefined,
      }),
      transactionalId: (partition) => this.names.transactionalId(group, partition),
      deadLetterTopic: this.names.topics.deadLetters,
    });
    await this.untilProcessed(group, topics);
    await partitionGroup.close();
  }

  async untilProcessed(group: string, topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      await until(async () => {
        const committed = await this.log.admin.committed(group, topic);
        const ends = await this.log.admin.offsets(topic);
        return ends.every(({ high }, at) => (committed[at] ?? 0n) >= high);
      });
    }
  }

  async records(topic: string): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    for (let partition = 0; partition < ((await this.log.admin.partitions(topic)) ?? 0); partition++) {
      for await (const chunk of this.log.read({ topic, partition })) records.push(...chunk);
    }
    return records;
  }

  /** Resolves to the newest head when it is settled and has this number of examples. */
  async settled(examples: number): Promise<HeadTrained> {
    const codec = await openCodec(this.#ids, 'HeadTrained', this.names.topics.heads);
    let newest: HeadTrained | undefined;
    await until(async () => {
      const values = (await this.records(this.names.topics.heads)).flatMap(({ value }) =>
        value === null ? [] : [value],
      );
      newest = values.length === 0 ? undefined : await codec.decode(values.at(-1) as Buffer);
      return newest?.mode === 'settled' && newest.examples === examples;
    });
    return newest as HeadTrained;
  }

  #dependencies() {
    return { ...this.clients(), metrics: createMetrics({ processDefaults: false }), health: createHealth() };
  }

  async #keep(starting: Promise<Service>): Promise<Service> {
    const service = await starting;
    closing.push(() => service.stop());
    return service;
  }
}

/** The time limit is that of the test. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  await poll(condition, Number.POSITIVE_INFINITY);
}

async function headwater(environment: Readonly<Record<string, string>>, ...args: string[]) {
  const console = createTestConsole(environment);
  const code = await runProgram(['node', 'headwater', 'audit', ...args], console);
  const last = console.out().trim().split('\n').at(-1) ?? '';
  return {
    code,
    said: console.err() + console.out(),
    json: (args.includes('--json') ? JSON.parse(last) : {}) as Partial<AuditReport>,
  };
}

async function undisturbed(): Promise<string[]> {
  const installation = new Installation(createMemoryLog(), 'undisturbed');
  await installation.startExtract();
  await installation.startClassify();
  await installation.send(0, digits.length);
  const { setDigest, digest } = await installation.settled(digits.length);
  return [setDigest, digest];
}

it('finds lost records on Kafka and repairs them to the digests of an undisturbed run', async () => {
  const installation = new Installation(createKafkaLog({ brokers: inject('brokers') }, silent), 'disturbed');
  const { environment, names } = installation;
  const { topics, groups } = names;
  const vectors = topics.vectors(extractor);
  const [extract, classify] = [await installation.startExtract(), await installation.startClassify()];
  await installation.send(0, 24);
  await installation.settled(24);
  expect(await headwater(environment, '--json')).toMatchObject({ code: 0, json: { total: 0, unjudged: [] } });
  const refused = await headwater(environment, '--repair');
  expect(refused).toMatchObject({ code: 2, said: expect.stringContaining('stop extract and classify') });

  await extract.stop();
  await installation.send(24, 30);
  await installation.lose(groups.extract(extractor), [topics.images]);
  await installation.untilProcessed(groups.join, [topics.labels]);
  await classify.stop();
  const again = await installation.startExtract();
  await installation.send(30, digits.length);
  await installation.untilProcessed(groups.extract(extractor), [topics.images]);
  await again.stop();
  await installation.lose(groups.join, [topics.labels, vectors]);
  // A committed transaction becomes readable a moment after its offsets.
  await until(async () => (await installation.records(vectors)).length === 30);

  const found = await audit({
    clients: installation.clients(),
    config: installation.classify,
    listed: 2,
    settleMs: 0,
  });
  const lost = { 'vector-missing': 6, 'prediction-missing': 6, 'example-missing': 6 };
  expect(found).toMatchObject({ total: 18, findings: lost, undecided: 0, unjudged: [] });
  expect(found.first).toHaveLength(2);
  const repaired = await headwater(environment, '--repair', '--json');
  expect(repaired).toMatchObject({ code: 0, json: { total: 18, repaired: lost } });
  const outputs = [vectors, topics.predictions, topics.examples];
  const ends = await Promise.all(outputs.map((topic) => installation.log.admin.offsets(topic)));
  expect(await headwater(environment, '--repair', '--json')).toMatchObject({ code: 0, json: { total: 0 } });
  expect(await Promise.all(outputs.map((topic) => installation.log.admin.offsets(topic)))).toEqual(ends);

  await installation.startExtract();
  await installation.startClassify();
  const { setDigest, digest } = await installation.settled(digits.length);
  expect([setDigest, digest]).toEqual(await undisturbed());
  const ids = digits.map((_, at) => `i${at}`).sort();
  for (const topic of [vectors, topics.predictions]) {
    await until(async () => (await installation.records(topic)).length >= ids.length);
    expect((await installation.records(topic)).map(({ key }) => String(key)).sort()).toEqual(ids);
  }
  expect(await headwater(environment)).toMatchObject({
    code: 0,
    said: expect.stringContaining('nothing is missing'),
  });
});
