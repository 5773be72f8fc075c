import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKafkaLog, type Log } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalKafka, type Progress, startLocalKafka } from './local-kafka.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
const topic = { name: 'kept', partitions: 2, settings: {} };
let dataDir: string;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'headwater local kafka-'));
});
afterAll(() => rmSync(dataDir, { recursive: true }));

async function withLog<T>(kafka: LocalKafka, use: (log: Log) => Promise<T>): Promise<T> {
  const log = createKafkaLog({ brokers: kafka.brokers }, logger);
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

async function write(kafka: LocalKafka, value: string): Promise<void> {
  await withLog(kafka, async (log) => {
    await log.admin.ensureTopics([topic], { create: true });
    const producer = await log.openProducer();
    await producer.send([{ topic: topic.name, partition: 1, key: 'a', value: Buffer.from(value) }]);
  });
}

function read(kafka: LocalKafka): Promise<string[]> {
  return withLog(kafka, async (log) => {
    const values: string[] = [];
    for await (const records of log.read({ topic: topic.name, partition: 1 })) {
      values.push(...records.map((record) => String(record.value)));
    }
    return values;
  });
}

const portOf = ({ brokers }: LocalKafka) => Number(brokers[0]?.split(':')[1]);

describe('a local Kafka', () => {
  test('keeps data and port across starts, and changes the port when it is in use', async () => {
    const steps: Progress['step'][] = [];
    const onProgress = ({ step }: Progress) => steps.push(step);
    const first = await startLocalKafka({ dataDir, onProgress });
    await write(first, 'first');
    await first.stop();
    await first.stopped;
    expect(steps.filter((step) => step !== 'fetch')).toEqual(['format', 'start', 'ready']);

    const second = await startLocalKafka({ dataDir });
    expect(second.brokers).toEqual(first.brokers);
    await write(second, 'second');
    await second.stop();

    const squatter = createServer().listen(portOf(first), '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    await expect(startLocalKafka({ dataDir, port: portOf(first) })).rejects.toMatchObject({
      code: 'local-kafka-failed',
      message: `port ${portOf(first)} is in use by another program; end it, or choose another port`,
    });
    const third = await startLocalKafka({ dataDir });
    squatter.close();
    expect(third.brokers).not.toEqual(first.brokers);
    expect(await read(third)).toEqual(['first', 'second']);
    await third.stop();
    expect(readdirSync(dataDir)).not.toContain('broker.lock');
  });

  test('runs one Kafka per folder', async () => {
    const otherDir = mkdtempSync(join(tmpdir(), 'headwater-other-'));
    const [one, other] = await Promise.all([
      startLocalKafka({ dataDir }),
      startLocalKafka({ dataDir: otherDir }),
    ]);
    expect(portOf(one)).not.toBe(portOf(other));
    await expect(startLocalKafka({ dataDir })).rejects.toMatchObject({
      code: 'local-kafka-failed',
      message: `the folder ${dataDir} is in use by process ${process.pid}`,
    });
    await Promise.all([one.stop(), other.stop()]);
    await expect(startLocalKafka({ dataDir, brokers: 3 })).rejects.toMatchObject({
      code: 'local-kafka-failed',
      message: `the folder ${dataDir} has data of 1 broker(s); start 1, or choose another folder`,
    });
    rmSync(otherDir, { recursive: true });
  });

  test('reports a crashed broker with the end of its log, and keeps its data', async () => {
    const words: string[] = [];
    const record = (_: object, message: string) => words.push(message);
    const kafka = await startLocalKafka({ dataDir, logger: { info: record, error: record } });
    await write(kafka, 'last words');
    process.kill(kafka.pid, 'SIGKILL');
    await expect(kafka.stopped).rejects.toMatchObject({
      code: 'local-kafka-failed',
      message: expect.stringMatching(/died .* the end of its log:\n.*INFO/s),
    });
    expect(words).toEqual(['Apache Kafka is running', 'Apache Kafka died']);
    await kafka.stop();
    const next = await startLocalKafka({ dataDir });
    expect((await read(next)).at(-1)).toBe('last words');
    await next.stop();
  });

  test('reports why a broker cannot start', async () => {
    const odd = mkdtempSync(join(tmpdir(), 'headwater-odd-'));
    const first = await startLocalKafka({ dataDir: odd });
    await first.stop();
    writeFileSync(join(odd, 'data', 'meta.properties'), 'version=1\nnode.id=7\ncluster.id=other\n');
    await expect(startLocalKafka({ dataDir: odd })).rejects.toMatchObject({
      code: 'local-kafka-failed',
      message: expect.stringMatching(/did not start; the end of .*server\.log:.*Stored node id 7/s),
    });
    rmSync(odd, { recursive: true });
  });
});
