/** Two replicas of ingest and a process that stands for classify, on one log in memory. */
import { createHttpServer, httpEnvironment, type ImageAnswer, listenHttp } from '@headwater/http';
import { createMemoryLog, type Log, type PartitionGroup } from '@headwater/log';
import { createLogger, createMetrics, loadConfig, variables } from '@headwater/service-kit';
import { freePort } from '@headwater/testing/free-port';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually, type IngestFixture, startIngestFixture } from '../testing/ingest-fixture.ts';
import { makePicture } from '../testing/pictures.ts';

const secret = 'the secret that all processes share';
const replicas: IngestFixture[] = [];
const log: Log = createMemoryLog();
let owner: FastifyInstance;
let group: PartitionGroup;
/** What the owner of each image keeps. */
const kept = new Map<string, Partial<ImageAnswer>>();
let isSilent = false;

beforeAll(async () => {
  const environment = { PEER_SECRET: secret, PARTITIONS: '2' };
  for (let replica = 0; replica < 2; replica++)
    replicas.push(await startIngestFixture({ environment, wrap: () => log }));
  const { names } = (replicas[0] as IngestFixture).dependencies;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  owner = await startOwner(port, url);
  group = await log.openPartitionGroup({
    group: names.groups.join,
    topics: [names.topics.labels],
    open: async () => ({ process: async () => ({ records: [], deadLetters: [] }), close: () => undefined }),
    transactionalId: (partition) => `join-${partition}`,
    deadLetterTopic: names.topics.deadLetters,
    address: url,
  });
  await group.ready;
});
afterAll(async () => {
  await group.close();
  await owner.close();
  for (const replica of replicas) await replica.stop();
});
beforeEach(() => {
  isSilent = false;
});

async function startOwner(port: number, url: string): Promise<FastifyInstance> {
  const schema = z.object({ ...httpEnvironment, HTTP_PORT: variables.port() });
  const config = { ...loadConfig(schema, { HTTP_PORT: String(port) }), AUTH_TOKENS: undefined };
  const app = createHttpServer({
    service: 'classify',
    config,
    logger: createLogger({ name: 'test', level: 'silent' }),
    metrics: createMetrics({ processDefaults: false }),
    access: {},
    requestTimeoutMs: 60_000,
    peers: { secret, url },
  });
  app.get<{ Querystring: { imageId: string } }>('/v1/peers/image', async ({ query }, reply) => {
    if (isSilent) return reply.code(500).send({});
    const unknown = { receivedAt: null, erasedAt: null, isPredicted: false, predictions: [] };
    return { partitions: [0, 1], asOf: 1, ...unknown, ...kept.get(query.imageId) };
  });
  await listenHttp(app, config);
  return app;
}

async function accept(id: string, replica = 0): Promise<{ readonly receivedAt: number }> {
  const body = new Uint8Array(await makePicture('png'));
  const response = await fetch(`${replicas[replica]?.url}/v1/images?id=${id}`, { method: 'POST', body });
  expect(response.status).toBe(202);
  return (await response.json()) as { receivedAt: number };
}

async function get(replica: number, id: string) {
  const response = await fetch(`${replicas[replica]?.url}/v1/images/${id}`);
  const { asOf: _, ...body } = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body };
}

/** The answers of both replicas, once they are the same. */
function both(id: string) {
  return eventually(async () => {
    const [first, second] = [await get(0, id), await get(1, id)];
    return JSON.stringify(first) === JSON.stringify(second) ? first : undefined;
  });
}

describe('replicas of ingest', () => {
  it('both know an image that only one of them has accepted, before any other service has', async () => {
    const accepted = await accept('fresh');
    expect(await both('fresh')).toEqual({
      status: 200,
      body: { ...accepted, id: 'fresh', status: 'accepted' },
    });
  });

  it('both know what the owner keeps, also where neither has seen the image', async () => {
    const prediction = { imageId: 'old', task: 'digit', extractor: 'a.v1', head: null, label: 'seven' };
    const more = {
      abstained: false,
      probabilities: [['seven', 0.75]] as const,
      novelty: null,
      predictedAt: 8,
    };
    const predictions = [{ ...prediction, ...more, receivedAt: 7 }];
    kept.set('old', { receivedAt: 7, isPredicted: true, predictions });
    expect(await both('old')).toMatchObject({
      status: 200,
      body: { receivedAt: 7, status: 'classified', predictions: [{ probabilities: { seven: 0.75 } }] },
    });
    kept.set('only-extracted', { receivedAt: 7 });
    expect((await both('only-extracted')).body).toEqual({
      id: 'only-extracted',
      receivedAt: 7,
      status: 'accepted',
    });
  });

  it('both say that an image is erased: from the tombstone, then from the owner', async () => {
    await accept('gone', 1);
    const { status } = await fetch(`${replicas[0]?.url}/v1/images/gone`, { method: 'DELETE' });
    expect(status).toBe(202);
    const erased = { status: 200, body: { id: 'gone', status: 'erased' } };
    kept.set('gone', { erasedAt: Date.now() + 1 });
    expect(await both('gone')).toEqual(erased);
    const { topics } = (replicas[0] as IngestFixture).dependencies.names;
    const producer = await log.openProducer();
    await producer.send([{ topic: topics.images, key: 'never-seen', value: null }]);
    await producer.close();
    expect((await both('never-seen')).body).toEqual({ id: 'never-seen', status: 'erased' });
  });

  it('take an image that came again after its erasure for a new one', async () => {
    kept.set('again', { erasedAt: 5 });
    expect((await both('again')).body).toEqual({ id: 'again', status: 'erased' });
    const { receivedAt } = await accept('again');
    kept.set('again', { erasedAt: 5, receivedAt, isPredicted: true });
    for (const replica of [0, 1])
      expect((await get(replica, 'again')).body).toMatchObject({ receivedAt, status: 'classified' });
  });

  it('say what is missing while the owner does not answer', async () => {
    await accept('here');
    isSilent = true;
    expect(await get(0, 'here')).toMatchObject({
      status: 200,
      body: { status: 'accepted', partial: true, missing: [expect.any(Number)] },
    });
    expect(await get(1, 'nowhere')).toMatchObject({ status: 503, body: { code: 'peer-unavailable' } });
    isSilent = false;
    expect(await both('nowhere')).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });
});
