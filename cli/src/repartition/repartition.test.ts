import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createMemoryLog,
  createNames,
  type Log,
  type LogRecord,
  movedHeader,
  partitionFor,
  sourceHeaders,
  topicSpecs,
} from '@headwater/log';
import { createFingerprintIds } from '@headwater/schemas';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type RepartitionOptions, rehearse, repartition } from './repartition.ts';

const names = createNames();
const { images, labels, examples } = names.topics;
const vectors = names.topics.vectors('none.v1');
const keys = Array.from({ length: 12 }, (_, index) => `image-${index}`);
let log: Log;
let options: RepartitionOptions;

beforeEach(async () => {
  log = createMemoryLog();
  const specs = topicSpecs(names, { extractors: ['none.v1'], partitions: 2 });
  await log.admin.ensureTopics(specs, { create: true });
  const folder = mkdtempSync(join(tmpdir(), 'headwater-repartition-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  options = {
    clients: { log, names, schemaIds: createFingerprintIds() },
    extractors: ['none.v1'],
    partitions: 5,
    progressTopic: 'headwater.repartition',
    folder,
    quietMs: 1,
    progress: () => undefined,
    signal: new AbortController().signal,
  };
});

/** Each key once, with a value that says which round it was. */
async function write(topic: string, round: number, partitions = 2): Promise<void> {
  const producer = await log.openProducer();
  await producer.send(
    keys.map((key) => ({
      topic,
      key,
      partition: partitionFor(key, partitions),
      value: Buffer.from(String(round)),
      timestamp: 1_000 + round,
    })),
  );
}

async function records(topic: string): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for (const partition of (await log.admin.offsets(topic)).keys()) {
    for await (const chunk of log.read({ topic, partition })) all.push(...chunk);
  }
  return all;
}

function roundsOf(all: readonly LogRecord[], key: string): string[] {
  return all.filter((record) => String(record.key) === key).map(({ value }) => String(value));
}

async function commitAll(group: string, topic: string): Promise<void> {
  const ends = (await log.admin.offsets(topic)).map(({ high }, partition) => [partition, high] as const);
  await log.admin.commit(group, topic, new Map(ends));
}

describe('repartition', () => {
  it('moves every record to the partition of its key, in order, after the processed ones', async () => {
    await write(labels, 1);
    await write(labels, 2);
    await commitAll(names.groups.join, labels);
    await write(labels, 3);
    const { topics } = await repartition(options);
    expect(topics.find(({ name }) => name === labels)).toEqual({
      name: labels,
      before: 2,
      partitions: 5,
      records: 36,
    });
    const all = await records(labels);
    for (const key of keys) expect(roundsOf(all, key)).toEqual(['1', '2', '3']);
    for (const { key, partition } of all) expect(partition).toBe(partitionFor(String(key), 5));
    const committed = await log.admin.committed(names.groups.join, labels);
    const isProcessed = ({ partition, offset }: LogRecord) => offset < (committed[partition] ?? 0n);
    for (const record of all) expect(isProcessed(record)).toBe(String(record.value) !== '3');
    expect(await log.admin.describe(labels)).toMatchObject({
      partitions: 5,
      settings: { 'retention.ms': '-1' },
    });
    expect(await log.admin.partitions(`${labels}.repartition`)).toBeUndefined();
    expect(await rehearse(options)).toEqual([]);
  });

  it('keeps the order of a key across partitions that were added', async () => {
    await log.admin.deleteTopics([images]);
    await log.admin.ensureTopics([{ name: images, partitions: 5, settings: {} }], { create: true });
    await write(images, 1, 2);
    await write(images, 2, 5);
    await write(images, 3, 5);
    await repartition(options);
    for (const key of keys) expect(roundsOf(await records(images), key)).toEqual(['1', '2', '3']);
  });

  it('names the new place of the record that an output came of, and none where that is gone', async () => {
    await write(images, 1);
    const sources = await records(images);
    const producer = await log.openProducer();
    const gone = { ...(sources[0] as LogRecord), offset: 10_000n };
    for (const cause of [...sources, gone]) {
      await producer.send([{ topic: vectors, key: cause.key, value: Buffer.from('v'), cause }]);
    }
    await repartition(options);
    const moved = new Map(
      (await records(images)).map(({ partition, offset, key }) => [`${partition}/${offset}`, String(key)]),
    );
    const places = (await records(vectors)).map(({ key, headers }) => [
      String(key),
      moved.get(`${headers[sourceHeaders.partition]}/${headers[sourceHeaders.offset]}`),
    ]);
    expect(places.filter(([key, source]) => key !== source)).toEqual([[String(gone.key), undefined]]);
    for (const { headers } of await records(vectors)) {
      expect(headers[movedHeader]?.toString()).toMatch(/^[0-9a-f-]{36}\/[01]\/\d+$/);
    }
  });

  it('goes on where it was, whatever step it was ended at', async () => {
    await write(labels, 1);
    await commitAll(names.groups.join, labels);
    await write(vectors, 1);
    let calls = 0;
    for (let isDone = false; !isDone; calls += 1) {
      const ending = new AbortController();
      const ended = { ...options, signal: ending.signal, stepped: () => ending.abort(new Error('ended')) };
      isDone = await repartition(ended).then(
        () => true,
        (error: Error) => {
          expect(error.message).toBe('ended');
          return false;
        },
      );
    }
    expect(calls).toBeGreaterThan(15);
    for (const topic of [labels, vectors]) {
      const all = await records(topic);
      expect(all).toHaveLength(keys.length);
      for (const { key, partition } of all) expect(partition).toBe(partitionFor(String(key), 5));
    }
    const committed = await log.admin.committed(names.groups.join, labels);
    const ends = (await log.admin.offsets(labels)).map(({ high }) => high);
    expect(committed).toEqual(ends);
    expect(await log.admin.partitions('headwater.repartition')).toBeUndefined();
  });

  it('resumes with the same number of partitions only', async () => {
    const ending = new AbortController();
    const ended = { ...options, signal: ending.signal, stepped: () => ending.abort(new Error('ended')) };
    await expect(repartition(ended)).rejects.toThrow('ended');
    const other = repartition({ ...options, partitions: 7 });
    await expect(other).rejects.toThrow('call it with --partitions 5 first');
    expect((await repartition(options)).isResumed).toBe(true);
  });

  it('refuses while a topic grows, an unknown copy exists, or committed offsets differ', async () => {
    const writer = setInterval(() => void write(images, 1), 1);
    const growing = repartition({ ...options, quietMs: 100 }).finally(() => clearInterval(writer));
    await expect(growing).rejects.toThrow('records are being written to images');
    const two = { ...options, extractors: ['none.v1', 'other.v1'] };
    await commitAll(names.groups.extract('none.v1'), images);
    await log.admin.commit(names.groups.extract('other.v1'), images, new Map([[0, 1n]]));
    await expect(repartition(two)).rejects.toThrow('have read images to different offsets');
    await log.admin.deleteTopics(['headwater.repartition']);
    const copy = { name: `${examples}.repartition`, partitions: 1, settings: {} };
    await log.admin.ensureTopics([copy], { create: true });
    await expect(repartition(options)).rejects.toThrow('examples.repartition exists');
  });
});
