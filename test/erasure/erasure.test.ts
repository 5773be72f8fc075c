/**
 * From `DELETE /v1/images/{id}` to the bytes on disk, over all services and a separate broker: after
 * compaction nothing of the image is left in the compacted topics, in the blob store, or, once reopened, in
 * the stores of classify.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalKafka, startLocalKafka } from '@headwater/local-kafka';
import { createKafkaLog, type LogRecord, topicSpecs } from '@headwater/log';
import {
  commonEnvironment,
  createLogger,
  kafkaOptions,
  loadConfig,
  namesOf,
  topicOptions,
} from '@headwater/service-kit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { killAll, type ServiceProcess, startService, type Variables } from '../processes.ts';
import {
  digits,
  extractor,
  openStreamClient,
  type StreamClient,
  streamVariables,
  task,
} from '../stream-client.ts';
import { distinctPart, filesWith } from './bytes-on-disk.ts';

let folder: string;
let kafka: LocalKafka;
let variables: Variables;
let client: StreamClient;
let ingest: ServiceProcess;
let classify: ServiceProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-erasure-'));
  kafka = await startLocalKafka({ dataDir: join(folder, 'kafka') });
  variables = {
    ...streamVariables(kafka.brokers, join(folder, 'state')),
    PARTITIONS: '1',
    // Every image is a blob.
    INLINE_LIMIT_BYTES: '0',
  };
  await createTopics();
  [ingest, , classify] = await Promise.all([
    startService('ingest', variables),
    startService('extract', variables),
    startService('classify', variables),
  ]);
});
afterAll(async () => {
  await client?.close();
  killAll();
  await kafka?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** As the services do, but compacted within seconds instead of a day. */
async function createTopics(): Promise<void> {
  const config = loadConfig(commonEnvironment, variables);
  const names = namesOf(config);
  const quick = {
    'max.compaction.lag.ms': '500',
    'min.compaction.lag.ms': '0',
    'min.cleanable.dirty.ratio': '0.0',
    'segment.ms': '500',
    'file.delete.delay.ms': '0',
  };
  const specs = topicSpecs(names, topicOptions(config, [extractor])).map((spec) => {
    const isCompacted = spec.settings['cleanup.policy'] === 'compact';
    return isCompacted ? { ...spec, settings: { ...spec.settings, ...quick } } : spec;
  });
  const log = createKafkaLog(kafkaOptions(config), createLogger({ name: 'test', level: 'fatal' }));
  await log.admin.ensureTopics(specs, { create: true });
  await log.close();
}

const url = (path: string) => new URL(path, ingest.url);
const images = digits(400);
let sent = 0;

/** An image with a given id, and its label. */
async function send(id: string): Promise<Buffer> {
  const image = images[sent++];
  if (image === undefined) throw new Error('there are no more digits');
  const query = new URLSearchParams({ id, task, label: image.label ?? '0' });
  const response = await fetch(url(`/v1/images?${query}`), {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: new Uint8Array(image.bytes),
  });
  expect(response.status).toBe(202);
  return image.bytes;
}

async function newest(topic: string, part: string): Promise<LogRecord | undefined> {
  let found: LogRecord | undefined;
  for await (const chunk of client.log.read({ topic, partition: 0 })) {
    found = chunk.filter(({ key }) => String(key).includes(part)).at(-1) ?? found;
  }
  return found;
}

/** Must not remain: parts of the encoded image, of its vector, and of its example. */
async function traces(id: string, picture: Buffer): Promise<Record<string, Buffer>> {
  const { topics } = client.names;
  const parts: Record<string, Buffer> = { picture: distinctPart(picture.subarray(picture.length >> 1)) };
  for (const topic of [topics.vectors(extractor), topics.examples]) {
    let record: LogRecord | undefined;
    await expect
      .poll(
        async () => {
          record = await newest(topic, id);
          return record?.value?.length ?? 0;
        },
        { timeout: 30_000 },
      )
      .toBeGreaterThan(0);
    // Behind the field names, which other records contain too.
    parts[topic] = distinctPart((record?.value ?? Buffer.alloc(0)).subarray(500));
  }
  return parts;
}

/** Of all topics except those with retention by age, and of the stores and the blob store. */
function leftOvers(trace: Buffer): string[] {
  const compacted = ['vectors', 'examples', 'heads', 'serving'];
  const data = join(folder, 'kafka', 'data');
  const logs = readdirSync(data).filter((name) =>
    compacted.some((topic) => name.startsWith(`${variables.TOPIC_PREFIX}${topic}`) && !name.includes('-dlt')),
  );
  return [...logs.map((name) => join(data, name)), join(folder, 'state')].flatMap((path) =>
    filesWith(path, trace),
  );
}

async function learned(examples: number): Promise<void> {
  const count = async () => {
    const response = await fetch(new URL(`/v1/tasks/${task}/head`, classify.url));
    const { examples: found } = (await response.json()) as { examples?: number };
    return found;
  };
  await expect.poll(count, { timeout: 60_000 }).toBe(examples);
}

it('leaves no byte of an erased image in compacted topics, stores and blobs', async () => {
  client = await openStreamClient(variables);
  // One is erased over HTTP, the other one by a record on Kafka.
  const pictures = { first: await send('erased-over-http'), second: await send('erased-on-kafka') };
  const putAt = Date.now();
  for (let other = 0; other < 8; other++) await send(`other-${other}`);
  await learned(10);
  const all = {
    first: await traces('erased-over-http', pictures.first),
    second: await traces('erased-on-kafka', pictures.second),
  };
  for (const trace of Object.values(all).flatMap((parts) => Object.values(parts))) {
    await expect.poll(() => leftOvers(trace).length).toBeGreaterThan(0);
  }

  expect((await fetch(url('/v1/images/erased-over-http'), { method: 'DELETE' })).status).toBe(202);
  // A newer record may be the same image sent again.
  await expect.poll(() => Date.now() - putAt, { timeout: 10_000 }).toBeGreaterThan(5_500);
  await client.send([{ topic: client.names.topics.images, key: 'erased-on-kafka', value: null }]);
  await learned(8);

  // A segment is closed by the record after it, so the stream must continue.
  let more = 0;
  const traced = Object.values(all).flatMap((parts) => Object.values(parts));
  const state = join(folder, 'state', 'join');
  await expect
    .poll(
      async () => {
        await send(`more-${more++}`);
        const paths = traced.flatMap(leftOvers);
        return paths.filter((path) => !path.includes('.mdb'));
      },
      { timeout: 25_000, interval: 700 },
    )
    .toEqual([]);
  await learned(8 + more);

  classify.send('SIGTERM');
  await classify.ended;
  classify = await startService('classify', variables);
  await learned(8 + more);
  expect(readdirSync(state).length).toBeGreaterThan(0);
  expect(traced.flatMap(leftOvers)).toEqual([]);
  // Other data is still there.
  const kept = await traces('other-0', images[2]?.bytes ?? Buffer.alloc(0));
  for (const trace of Object.values(kept)) expect(leftOvers(trace).length).toBeGreaterThan(0);
});
