import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKafkaLog, createNames, deadLetterHeaders, type Log } from '@headwater/log';
import { createFingerprintIds, openCodec } from '@headwater/schemas';
import { createLogger } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeNoise, makePicture } from './testing/pictures.ts';
import { followedTopics } from './tracking/outcome-follower.ts';

/** The service as it is run: a process of its own, on a real Kafka. */
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const prefix = `ingest-${randomUUID()}.`;
const names = createNames({ topicPrefix: prefix });
const schemaIds = createFingerprintIds();
const logger = createLogger({ name: 'test', level: 'fatal' });

interface Ingest {
  readonly url: string;
  /** Sends SIGTERM and gives the exit code. */
  stop(): Promise<number | null>;
}

async function startProcess(dataDir: string): Promise<Ingest> {
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env.PATH,
      KAFKA_BROKERS: inject('brokers').join(','),
      TOPIC_PREFIX: prefix,
      PARTITIONS: '3',
      REPLICATION_FACTOR: '1',
      HTTP_HOST: '127.0.0.1',
      HTTP_PORT: '0',
      ADMIN_PORT: '0',
      DATA_DIR: dataDir,
      TASKS: 'digit',
      EXTRACTORS: 'lenet-digits.v1',
    },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stderr.on('data', (data: Buffer) => {
      output += data.toString();
      const found = /"url":"([^"]+)","msg":"ingest is ready/.exec(output)?.[1];
      if (found) resolve(found);
    });
    exited.then((code) => reject(new Error(`ingest ended with ${code}: ${output}`)));
  });
  return {
    url,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

async function readAll(log: Log, topic: string) {
  const records = [];
  for (let partition = 0; partition < ((await log.admin.partitions(topic)) ?? 0); partition += 1) {
    for await (const chunk of log.read({ topic, partition })) records.push(...chunk);
  }
  return records;
}

describe('ingest on Kafka', () => {
  let ingest: Ingest;
  let log: Log;
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'headwater-ingest-'));
    log = createKafkaLog({ brokers: inject('brokers') }, logger);
    ingest = await startProcess(dataDir);
  });

  afterAll(async () => {
    await log.admin.deleteTopics([
      names.topics.images,
      names.topics.labels,
      ...followedTopics(names, ['lenet-digits.v1']),
    ]);
    await log.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const post = (bytes: Buffer, query = '') =>
    fetch(`${ingest.url}/v1/images${query}`, { method: 'POST', body: new Uint8Array(bytes) });

  it('has each accepted image in the log exactly once', async () => {
    const pictures = await Promise.all(
      Array.from({ length: 200 }, (_, shade) =>
        makePicture('png', { width: 8, height: 8, shade: shade * 7 }),
      ),
    );
    const answers = await Promise.all(pictures.map((bytes) => post(bytes)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const ids = await Promise.all(
      answers.map(async (answer) => ((await answer.json()) as { id: string }).id),
    );
    const codec = await openCodec(schemaIds, 'ImageReceived', names.topics.images);
    const records = await readAll(log, names.topics.images);
    const images = await Promise.all(records.map(({ value }) => codec.decode(value ?? Buffer.alloc(0))));
    expect(images.map(({ id }) => id).sort()).toEqual(ids.sort());
    expect(records.every(({ key }, index) => key?.toString() === images[index]?.id)).toBe(true);
  });

  it('takes labels one by one and in bulk', async () => {
    const headers = { 'content-type': 'application/json' };
    const at = `${ingest.url}/v1/images/a/labels/digit`;
    await fetch(at, { method: 'PUT', body: '{"label":"7"}', headers });
    await fetch(at, { method: 'DELETE' });
    const rows = Array.from({ length: 3_000 }, (_, index) => `b${index},digit,${index % 10}\n`).join('');
    const bulk = await fetch(`${ingest.url}/v1/labels`, {
      method: 'POST',
      body: `imageId,task,label\n${rows}`,
      headers: { 'content-type': 'text/csv' },
    });
    expect(await bulk.json()).toEqual({ accepted: 3_000, rejected: 0, errors: [] });
    const codec = await openCodec(schemaIds, 'LabelAssigned', names.topics.labels);
    const records = await readAll(log, names.topics.labels);
    const labels = await Promise.all(records.map(({ value }) => codec.decode(value ?? Buffer.alloc(0))));
    expect(labels.length).toBe(3_002);
    expect(labels.filter(({ imageId }) => imageId === 'a').map(({ label }) => label)).toEqual(['7', null]);
  });

  it('returns the prediction or the dead letter', async () => {
    const producer = await log.openProducer();
    const images = await openCodec(schemaIds, 'ImageReceived', names.topics.images);
    const predictions = await openCodec(schemaIds, 'ImageClassified', names.topics.predictions);
    // Plays extract and classify: what is called bad is a dead letter, the rest is a seven.
    const player = await log.follow({
      topics: [names.topics.images],
      from: 'end',
      onRecords: async (records) => {
        for (const record of records) {
          const { id: imageId, receivedAt } = await images.decode(record.value ?? Buffer.alloc(0));
          const { key, value } = record;
          const headers = {
            [deadLetterHeaders.stage]: 'extract',
            [deadLetterHeaders.exceptionClass]: 'image-unreadable',
            [deadLetterHeaders.exceptionMessage]: 'the pixels are damaged',
          };
          const prediction = {
            imageId,
            receivedAt,
            task: 'digit',
            extractor: 'lenet-digits.v1',
            head: null,
            label: '7',
            abstained: false,
            probabilities: {},
            novelty: null,
            predictedAt: Date.now(),
          };
          await producer.send([
            imageId === 'bad'
              ? { topic: names.topics.deadLetters(names.topics.images), key, value, headers }
              : { topic: names.topics.predictions, key, value: predictions.encode(prediction) },
          ]);
        }
      },
    });
    await player.caughtUp;
    const bytes = await makeNoise(20, 20);
    const good = await post(bytes, '?wait=prediction&timeout=60');
    expect([good.status, await good.json()]).toMatchObject([200, { predictions: [{ label: '7' }] }]);
    const bad = await post(bytes, '?id=bad&wait=prediction&timeout=60');
    expect([bad.status, await bad.json()]).toMatchObject([
      422,
      { code: 'image-unreadable', detail: 'the pixels are damaged' },
    ]);
    const status = await fetch(`${ingest.url}/v1/images/bad`);
    expect(await status.json()).toMatchObject({ status: 'dead-lettered' });
    await player.close();
  });

  it('stops on SIGTERM with exit code 0 and all accepted records in the log', async () => {
    const before = (await readAll(log, names.topics.images)).length;
    const bytes = await makePicture('jpeg');
    const answers = Array.from({ length: 50 }, () =>
      post(bytes).then(
        ({ status }) => status,
        () => 'refused',
      ),
    );
    await answers[0];
    const started = Date.now();
    expect(await ingest.stop()).toBe(0);
    expect(Date.now() - started).toBeLessThan(10_000);
    const accepted = (await Promise.all(answers)).filter((status) => status === 202).length;
    const written = (await readAll(log, names.topics.images)).length - before;
    expect(accepted).toBeGreaterThan(0);
    expect(written).toBeGreaterThanOrEqual(accepted);
  });
});
