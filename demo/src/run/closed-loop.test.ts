/** The closed loop on a log in memory, with services that are a few lines long and sometimes misbehave. */
import type { IngestClient } from '@headwater/ingest/client';
import {
  createMemoryLog,
  createNames,
  type Follower,
  type Log,
  type LogRecord,
  topicSpecs,
} from '@headwater/log';
import { createFingerprintIds, openCodec } from '@headwater/schemas';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ImageSource, imageIdOf } from '../sources/image-source.ts';
import { createRunStatistics, type RunStatistics } from '../statistics/run-statistics.ts';
import { createBatchingProducer } from './batching-producer.ts';
import { runClosedLoop } from './closed-loop.ts';
import { openCodecs } from './codecs.ts';
import { hashFraction } from './hash-fraction.ts';
import { createRoutes } from './routes.ts';

const names = createNames();
const { topics } = names;
const extractor = 'tiny.v1';
const ids = createFingerprintIds();
const codecs = await openCodecs(ids, names);

const source: ImageSource = {
  name: 'letters',
  task: 'letter',
  extractor,
  seen: new Set(),
  size: 1000,
  *images(limit) {
    for (let index = 0; index < limit; index++) {
      yield {
        name: String(index),
        bytes: Buffer.from(`image ${index}`),
        label: index % 2 === 0 ? 'even' : 'odd',
        facts: { mediaType: 'image/png', width: 1, height: 1 },
      };
    }
  },
};

let log: Log;
let services: Follower | undefined;
let statistics: RunStatistics;
let mostInFlight = 0;
/** What happened, in order: `predicted <id>` and `labelled <id>`. */
let events: string[] = [];

beforeEach(async () => {
  log = createMemoryLog();
  statistics = createRunStatistics();
  [mostInFlight, events] = [0, []];
  const specs = topicSpecs(names, { extractors: [extractor], partitions: 3 });
  await log.admin.ensureTopics(specs, { create: true });
});
afterEach(async () => {
  await services?.close();
  await log.close();
});

type Answer = (record: LogRecord) => 'predict' | 'dead-letter' | 'nothing';

/** Answers each image at once: ingest, extract and classify in one. */
async function startServices(answer: Answer = () => 'predict'): Promise<void> {
  const producer = await log.openProducer();
  services = await log.follow({
    topics: [topics.images, topics.labels],
    from: 'beginning',
    async onRecords(records) {
      for (const record of records) {
        const key = String(record.key);
        if (record.topic === topics.labels) {
          events.push(`labelled ${key}`);
          continue;
        }
        mostInFlight = Math.max(mostInFlight, statistics.accepted - statistics.predicted);
        const outcome = answer(record);
        if (outcome === 'nothing') continue;
        events.push(`predicted ${key}`);
        const topic = outcome === 'predict' ? topics.predictions : topics.deadLetters(topics.images);
        const value = outcome === 'predict' ? predictionOf(key) : record.value;
        await producer.send([{ topic, key, value, cause: record }]);
      }
    },
  });
}

function predictionOf(imageId: string): Buffer {
  return codecs.predictions.encode({
    imageId,
    task: source.task,
    extractor,
    head: { kind: 'lda', version: 7, digest: 'd' },
    label: 'even',
    abstained: false,
    probabilities: { even: 1 },
    novelty: null,
    receivedAt: 1,
    predictedAt: 2,
  });
}

/** Ingest over HTTP, without HTTP. */
async function createHttp(refuse: (id: string) => boolean = () => false): Promise<IngestClient> {
  const producer = await log.openProducer();
  const images = await openCodec(ids, 'ImageReceived', topics.images);
  return {
    async sendImage(bytes, from) {
      const id = imageIdOf({ name: '', bytes, label: null });
      if (refuse(id)) return { accepted: false, reason: 'image-unreadable' };
      const facts = { mediaType: 'image/png', width: 1, height: 1, attributes: {}, labels: {}, group: null };
      const value = images.encode({ id, source: from, receivedAt: 1, content: bytes, ...facts });
      await producer.send([{ topic: topics.images, key: id, value }]);
      return { accepted: true, id };
    },
    async putLabel({ imageId, task, label, annotator }) {
      const value = codecs.labels.encode({ imageId, task, label, annotator, assignedAt: 1 });
      await producer.send([{ topic: topics.labels, key: imageId, value }]);
    },
    close: () => undefined,
  };
}

async function runDemo(options: {
  images: number;
  labelShare?: number;
  inFlight?: number;
  timeoutMs?: number;
  http?: IngestClient;
  signal?: AbortSignal;
}): Promise<void> {
  const kafka = createBatchingProducer(await log.openProducer());
  const http = options.http ?? (await createHttp());
  await runClosedLoop({
    log,
    names,
    codecs,
    source,
    statistics,
    routes: createRoutes({ http, kafka, codecs, topics, source: source.name, task: source.task }),
    labelShare: 0.8,
    inFlight: 16,
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    ...options,
  });
}

describe('the closed loop', () => {
  it('sends every image, half of them each way, and reads every prediction', async () => {
    await startServices();
    await runDemo({ images: 200 });
    expect(statistics).toMatchObject({ accepted: 200, predicted: 200, deadLettered: 0, headVersion: 7 });
    expect(statistics.acceptedIds.size).toBeGreaterThan(60);
    expect(statistics.acceptedIds.size).toBeLessThan(140);
  });

  it('labels the chosen share at any timing, and scores the earlier predictions', async () => {
    await startServices();
    await runDemo({ images: 200, labelShare: 0.6 });
    const chosen = [...(source.images(200) as Iterable<{ bytes: Buffer; label: string }>)].filter(
      (image) => hashFraction('label', imageIdOf({ name: '', ...image })) < 0.6,
    );
    const even = chosen.filter(({ label }) => label === 'even').length;
    expect(statistics.labelled).toBe(chosen.length);
    expect(statistics.served.last).toEqual({ labelled: chosen.length, accuracy: even / chosen.length });
  });

  it('gives a label only after the prediction of its image was read', async () => {
    await startServices();
    await runDemo({ images: 100, labelShare: 1 });
    await expect.poll(() => events.filter((event) => event.startsWith('labelled')).length).toBe(100);
    for (const [at, event] of events.entries()) {
      const [what, id] = event.split(' ');
      if (what === 'labelled') expect(events.indexOf(`predicted ${id}`)).toBeLessThan(at);
    }
  });

  it('has no more images on their way than it may', async () => {
    await startServices();
    await runDemo({ images: 120, inFlight: 5 });
    expect(mostInFlight).toBeGreaterThan(0);
    expect(mostInFlight).toBeLessThanOrEqual(5);
  });

  it('goes on past dead letters and refusals, and counts them', async () => {
    const third = (id: string) => hashFraction('third', id) < 0.3;
    await startServices(({ key }) => (third(String(key)) ? 'dead-letter' : 'predict'));
    const http = await createHttp((id) => hashFraction('refused', id) < 0.3);
    await runDemo({ images: 150, inFlight: 8, http });
    const refused = statistics.refused.get('image-unreadable') ?? 0;
    expect(refused).toBeGreaterThan(5);
    expect(statistics.deadLettered).toBeGreaterThan(15);
    expect(statistics.predicted + statistics.deadLettered + refused).toBe(150);
  });

  it('gives up when a prediction never comes', async () => {
    const victim = imageIdOf({ name: '', bytes: Buffer.from('image 3'), label: null });
    await startServices(({ key }) => (String(key) === victim ? 'nothing' : 'predict'));
    await expect(runDemo({ images: 20, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'timed-out',
      message: expect.stringContaining(victim),
    });
  });

  it('ends with the error of a label that cannot be given', async () => {
    await startServices();
    const http = await createHttp();
    const broken: IngestClient = { ...http, putLabel: () => Promise.reject(new Error('no labels today')) };
    await expect(runDemo({ images: 50, http: broken })).rejects.toThrow('no labels today');
  });

  it('ends on abort', async () => {
    await startServices(() => 'nothing');
    const controller = new AbortController();
    const running = runDemo({ images: 50, inFlight: 4, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});
