import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import {
  createKafkaLog,
  createNames,
  type Log,
  type LogRecord,
  type Names,
  type PartitionGroup,
  topicSpecs,
} from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { runProgram } from '../../program.ts';
import { createTestConsole } from '../../testing/test-console.ts';
import { isResolutionRecord } from './resolution-records.ts';
import { retryDeadLetters } from './resolver.ts';

let folder: string;
let log: Log;
let names: Names;
let environment: Record<string, string>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-dead-letters-'));
  log = createKafkaLog({ brokers: inject('brokers') }, createLogger({ name: 'test', level: 'fatal' }));
  const prefix = `dlt-${randomUUID()}.`;
  names = createNames({ topicPrefix: prefix, groupPrefix: prefix, transactionalIdPrefix: prefix });
  environment = {
    KAFKA_BROKERS: inject('brokers').join(),
    TOPIC_PREFIX: prefix,
    GROUP_PREFIX: prefix,
    TRANSACTIONAL_ID_PREFIX: prefix,
    DATA_DIR: folder,
    EXTRACTORS: 'none.v1',
  };
  const specs = topicSpecs(names, { extractors: ['none.v1'], partitions: 3, replicationFactor: 1 });
  await log.admin.ensureTopics(specs, { create: true });
});
afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

async function headwater(...args: string[]) {
  const console = createTestConsole(environment);
  const code = await runProgram(['node', 'headwater', 'dead-letters', ...args], console);
  const last = console.out().trim().split('\n').at(-1) ?? '';
  return { code, out: console.out(), err: console.err(), json: last.startsWith('{') ? JSON.parse(last) : {} };
}

/** A service that copies images to vectors, as long as `fault` finds nothing wrong. */
function startCopier(fault: (record: LogRecord) => HeadwaterError | undefined): Promise<PartitionGroup> {
  return log.openPartitionGroup({
    group: names.groups.extract('none.v1'),
    topics: [names.topics.images],
    transactionalId: (partition) => names.transactionalId('copier', partition),
    deadLetterTopic: names.topics.deadLetters,
    open: async () => ({
      close: () => undefined,
      async process(records) {
        const letters = records.flatMap((record) => {
          const error = fault(record);
          return error === undefined ? [] : [{ record, stage: 'copy', error }];
        });
        const good = records.filter((record) => fault(record) === undefined);
        const topic = names.topics.predictions;
        const outputs = good.map((record) => ({
          topic,
          partition: record.partition,
          key: record.key,
          value: record.value,
          cause: record,
        }));
        return { records: outputs, deadLetters: letters };
      },
    }),
  });
}

async function readAll(topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (let partition = 0; partition < 3; partition++) {
    for await (const chunk of log.read({ topic, partition })) records.push(...chunk);
  }
  return records;
}

const pending = async () => (await headwater('list', '--json')).json.total as number;
const contentOf = ({ partition, key, value, headers }: LogRecord) =>
  `${partition} ${key} ${value} ${headers.trace} ${headers['headwater.source.offset'] ?? ''}`;

async function produce(count: number): Promise<LogRecord[]> {
  const producer = await log.openProducer();
  await producer.send(
    Array.from({ length: count }, (_, index) => ({
      topic: names.topics.images,
      key: index % 10 === 0 ? null : `image-${index % 40}`,
      value: Buffer.from(`bytes of ${index}`),
      // A header that a dead letter has too, so that it must not be lost on the way.
      headers: { trace: `t${index}`, 'headwater.source.offset': `${index}` },
    })),
  );
  return readAll(names.topics.images);
}

it('produces the original records again exactly once and in order, also when retry is interrupted and repeated', async () => {
  const originals = await produce(900);
  const broken = await startCopier(({ value }) =>
    value?.toString().endsWith('7')
      ? new HeadwaterError('blob-missing', 'the store is empty')
      : new HeadwaterError('image-unreadable', 'the decoder is broken\u001b[31m'),
  );
  await expect.poll(pending, { timeout: 60_000 }).toBe(originals.length);
  await broken.close();

  const listed = await headwater('list', '--limit', '2');
  expect(listed.out.trim().split('\n')).toHaveLength(2);
  expect(listed.out).not.toContain('\u001b');
  expect(listed.out).not.toContain('bytes of');
  expect(listed.err).toContain('900 dead letters');
  expect((await headwater('list', '--code', 'blob-missing', '--json')).json.total).toBe(90);
  expect((await headwater('list', '--key', 'image-3', '--json')).json.total).toBe(23);
  expect((await headwater('list', '--until', '1h', '--json')).json.total).toBe(0);
  expect((await headwater('list', '--topic', 'nothing')).err).toContain('topic-missing');

  const rehearsed = await headwater('retry', '--dry-run', '--json');
  expect(rehearsed.json).toMatchObject({ dryRun: true, retried: 900 });
  expect(await pending()).toBe(900);

  // Ctrl-C between two steps, then a few more, then two at once: one of them takes over, or comes too late.
  const interruption = new AbortController();
  const interrupted = retryDeadLetters({
    log,
    names,
    topic: names.topics.deadLetters(names.topics.images),
    filter: {},
    limit: undefined,
    signal: interruption.signal,
    progress: (done) => done >= 200 && interruption.abort(new Error('Ctrl-C')),
  });
  await expect(interrupted).rejects.toThrow('Ctrl-C');
  await expect.poll(pending).toBe(700);
  expect((await headwater('retry', '--limit', '150', '--json')).json.retried).toBe(150);
  expect((await headwater('retry', '--code', 'blob-missing', '--json')).code).toBe(0);
  const both = await Promise.all([headwater('retry', '--json'), headwater('retry', '--json')]);
  expect(both.some(({ code }) => code === 0)).toBe(true);
  for (const { code, err } of both) if (code !== 0) expect(err).toContain('another command has taken over');
  expect((await headwater('retry', '--json')).json.retried).toBe(0);
  await expect.poll(pending).toBe(0);
  expect((await headwater('list', '--all', '--json', '--limit', '1')).json).toMatchObject({
    total: 900,
    letters: [{ settlement: 'retried' }],
  });

  const ends = new Map(originals.map(({ partition, offset }) => [partition, offset]));
  const retried = async () =>
    (await readAll(names.topics.images)).filter(
      ({ partition, offset }) => offset > (ends.get(partition) ?? -1n),
    );
  await expect.poll(async () => (await retried()).length).toBe(originals.length);
  const second = await retried();
  expect(second.map(contentOf).sort()).toEqual(originals.map(contentOf).sort());
  for (const code of ['7', '[^7]']) {
    const ofCode = (records: readonly LogRecord[]) =>
      records.filter(({ value }) => new RegExp(`${code}$`).test(String(value))).map(contentOf);
    expect(ofCode(second)).toEqual(ofCode(originals));
  }

  const mended = await startCopier(() => undefined);
  const outputs = names.topics.predictions;
  await expect.poll(async () => (await readAll(outputs)).length, { timeout: 60_000 }).toBe(900);
  await mended.close();
  expect(await pending()).toBe(0);
});

it('restores no erased image, shows dead letters without payload, and deletes dropped ones', async () => {
  const [first] = await produce(60);
  const broken = await startCopier(() => new HeadwaterError('image-unreadable', 'the decoder is broken'));
  await expect.poll(pending, { timeout: 60_000 }).toBe(60);
  await broken.close();
  const producer = await log.openProducer();
  await producer.send([{ topic: names.topics.images, key: 'image-5', value: null }]);

  const { letters } = (await headwater('list', '--key', 'image-5', '--json')).json;
  const shown = await headwater('show', letters[0].place, '--json');
  expect(shown.out).not.toContain('bytes of');
  expect(shown.json).toMatchObject({ code: 'image-unreadable', stage: 'copy', valueBytes: 10 });
  expect(shown.json.originalHeaders.sort()).toEqual(['headwater.source.offset', 'trace']);
  const file = join(folder, 'payload');
  await headwater('show', letters[0].place, '--payload', file);
  expect(readFileSync(file, 'utf8')).toBe('bytes of 5');
  expect((await headwater('show', letters[0].place, '--payload', file)).code).toBe(2);
  expect((await headwater('show', `${names.topics.deadLetters(names.topics.images)}/0/9999`)).err).toContain(
    'not-found',
  );

  const retried = await headwater('retry', '--key', 'image-5', '--json');
  expect(retried.json.topics[0]).toMatchObject({ retried: 0, erased: 2 });
  expect((await headwater('drop')).err).toContain('--yes');
  await expect.poll(pending).toBe(58);
  expect((await headwater('drop', '--key', 'image-6', '--yes', '--json')).json.dropped).toBe(2);
  await expect.poll(pending).toBe(56);
  expect((await headwater('drop', '--yes', '--json')).json.dropped).toBe(56);
  // Nothing is pending before it, so all of it is gone from the broker as well.
  const ranges = await log.admin.offsets(names.topics.deadLetters(names.topics.images));
  const kept = await readAll(names.topics.deadLetters(names.topics.images));
  expect(ranges.every(({ low }, index) => index > 2 || low > 0n)).toBe(true);
  expect(kept.filter(({ value }) => value?.equals(first?.value ?? Buffer.alloc(0)))).toEqual([]);
  expect(kept.filter((record) => !isResolutionRecord(record))).toEqual([]);
});
