/**
 * Real processes that must stop in hard conditions: under a large backlog, and without Kafka. They end in
 * time, with code 0, and quarantine no image.
 */
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalKafka } from '@headwater/local-kafka';
import { createKafkaLog, type Log } from '@headwater/log';
import { createFingerprintIds, openCodec } from '@headwater/schemas';
import { commonEnvironment, createLogger, kafkaOptions, loadConfig, namesOf } from '@headwater/service-kit';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect, inject, it, onTestFinished } from 'vitest';
import { killAll, type ServiceProcess, startService, type Variables } from '../processes.ts';
import { digits, openStreamClient, streamVariables } from '../stream-client.ts';

const graceMs = 4_000;
/** Images that take more than ten seconds. */
const backlog = 1_500;
/** Tolerance for a busy machine. */
const slackMs = 6_000;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-stopping-'));
});
afterEach(killAll);
afterAll(() => rm(folder, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function openBroker() {
  const kafka = await startLocalKafka({ dataDir: join(folder, 'kafka') });
  kafka.stopped.catch(() => undefined);
  const send = (signal: NodeJS.Signals) => void process.kill(-kafka.pid, signal);
  onTestFinished(async () => {
    if (isAlive(kafka.pid)) send('SIGKILL');
    await kafka.stopped.catch(() => undefined);
  });
  return { kafka, send };
}

async function expectOrderlyStop(service: ServiceProcess): Promise<void> {
  const asked = performance.now();
  service.send('SIGTERM');
  const { code, signal } = await service.ended;
  const took = performance.now() - asked;
  expect({ code, signal }, service.stderr()).toEqual({ code: 0, signal: null });
  expect(took, service.stderr()).toBeLessThan(graceMs + slackMs);
}

it('services stop in time while the broker is silent, and when it is gone', {
  timeout: 240_000,
}, async () => {
  const { kafka, send } = await openBroker();
  const variables: Variables = {
    ...streamVariables(kafka.brokers, join(folder, 'first')),
    STOP_GRACE: `${graceMs}ms`,
  };
  const others = { ...variables, DATA_DIR: join(folder, 'second') };
  // One after the other: each creates the missing topics.
  const classify = await startService('classify', variables);
  const extract = await startService('extract', variables);
  const [ingest, second] = await Promise.all([
    startService('ingest', variables),
    startService('classify', others),
  ]);
  const client = await openStreamClient(variables);
  void client.sendImages(digits(400)).catch(() => undefined);
  await expect.poll(() => client.predictions.size, { timeout: 60_000, interval: 20 }).toBeGreaterThan(5);
  send('SIGSTOP');
  await Promise.all([ingest, classify].map(expectOrderlyStop));
  send('SIGKILL');
  await kafka.stopped.catch(() => undefined);
  await Promise.all([extract, second].map(expectOrderlyStop));
  void client.close().catch(() => undefined);
});

it('extract stops in time under a backlog of slow extractions, and quarantines no image afterwards', async () => {
  const net = 'efficientnet-lite0.v1';
  const variables: Variables = {
    ...streamVariables(inject('brokers'), join(folder, 'backlog')),
    EXTRACTOR: net,
    ENGINE_THREADS: '1',
    // About a second in one call of the engine.
    BATCH_SIZE: '64',
    STOP_GRACE: `${graceMs}ms`,
  };
  const extract = await startService('extract', variables);
  const config = loadConfig(commonEnvironment, variables);
  const log = createKafkaLog(kafkaOptions(config), createLogger({ name: 'test', level: 'fatal' }));
  onTestFinished(() => log.close());
  const { topics, groups } = namesOf(config);
  await sendBacklog(log, topics.images);
  const written = async (topic: string) =>
    (await log.admin.offsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);
  await expect.poll(() => written(topics.vectors(net)), { timeout: 60_000 }).toBeGreaterThan(0);

  await expectOrderlyStop(extract);
  expect(readdirSync(join(folder, 'backlog', 'extract', encodeURIComponent(groups.extract(net))))).toEqual(
    [],
  );
  expect(await written(topics.vectors(net))).toBeLessThan(backlog);
  expect(await written(topics.deadLetters(topics.images))).toBe(0);
});

async function sendBacklog(log: Log, topic: string): Promise<void> {
  const picture = { width: 224, height: 224, channels: 3, background: '#123' } as const;
  const content = await sharp({ create: picture }).png().toBuffer();
  const codec = await openCodec(createFingerprintIds(), 'ImageReceived', topic);
  const producer = await log.openProducer();
  const facts = {
    source: 'test',
    receivedAt: Date.now(),
    mediaType: 'image/png',
    width: 224,
    height: 224,
    content,
  };
  await producer.send(
    Array.from({ length: backlog }, (_, index) => {
      const id = `image-${index}`;
      return {
        topic,
        key: id,
        value: codec.encode({ id, ...facts, attributes: {}, labels: {}, group: null }),
      };
    }),
  );
}
