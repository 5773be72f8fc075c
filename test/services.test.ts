/**
 * Services as separate processes: they share partitions, stop and die in mid-stream, and run under custom
 * names.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { killAll, type ServiceProcess, startScript, startService, type Variables } from './processes.ts';
import {
  digits,
  extractor,
  openStreamClient,
  type StreamClient,
  streamVariables,
  task,
} from './stream-client.ts';

const brokers = inject('brokers');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headwater-services-'));
});
afterAll(async () => {
  killAll();
  await rm(folder, { recursive: true, force: true });
});

/** Waits while there is progress; fails with the missing items when there was none for a while. */
async function untilPredicted(client: StreamClient, count: number): Promise<void> {
  await expect.poll(() => client.predictions.size, { timeout: 100_000, interval: 100 }).toBe(count);
}

async function endOf(service: ServiceProcess, signal: NodeJS.Signals) {
  const asked = performance.now();
  service.send(signal);
  const end = await service.ended;
  return { ...end, seconds: (performance.now() - asked) / 1000 };
}

describe('services as separate processes', () => {
  let variables: Variables;
  let client: StreamClient;
  const images = digits(600);

  beforeAll(async () => {
    variables = streamVariables(brokers, join(folder, 'state'));
    await Promise.all([startService('classify', variables), startService('extract', variables)]);
    client = await openStreamClient(variables);
  });
  afterAll(() => client.close());

  /** The last labels may not have become examples yet when every image has its prediction. */
  const expectAudit = (expected: object) =>
    expect.poll(() => client.audit(), { timeout: 60_000 }).toMatchObject(expected);

  /** Streams images with labels while one of two extract processes ends by the signal. */
  async function streamWhile(signal: NodeJS.Signals, from: number, to: number) {
    const second = await startService('extract', variables);
    const before = client.predictions.size;
    const sending = client.sendImages(images.slice(from, to));
    await expect
      .poll(() => client.predictions.size, { timeout: 60_000, interval: 20 })
      .toBeGreaterThan(before + 5);
    // At the moment of the signal: during a graceful end, the other process could finish the stream.
    const seen = client.predictions.size - before;
    const end = await endOf(second, signal);
    const ids = await sending;
    await client.sendLabels(new Map(ids.map((id, index) => [id, images[from + index]?.label ?? null])));
    await untilPredicted(client, to);
    return { ...end, second, seen };
  }

  it('lose and double nothing when one of two is stopped in mid-stream', async () => {
    const { code, seconds, seen, second } = await streamWhile('SIGTERM', 0, 300);
    expect(code, second.stderr()).toBe(0);
    expect(seconds).toBeLessThan(10);
    expect(seen).toBeLessThan(300);
    await expectAudit({
      images: 300,
      vectors: 300,
      predictions: 300,
      lost: 0,
      duplicates: 0,
      deadLetters: 0,
    });
  });

  it('lose and double nothing when one of two is killed in mid-stream', async () => {
    const { signal, seen } = await streamWhile('SIGKILL', 300, 600);
    expect(signal).toBe('SIGKILL');
    expect(seen).toBeLessThan(300);
    await expect
      .poll(async () => (await client.audit()).examples, { timeout: 60_000, interval: 1000 })
      .toBe(600);
    const report = await client.audit();
    expect(report).toMatchObject({ images: 600, vectors: 600, predictions: 600, labels: 600 });
    expect(report).toMatchObject({ lost: 0, duplicates: 0, deadLetters: 0, findings: [] });
  });
});

describe('on a cluster that forbids creating topics', () => {
  afterEach(killAll);

  it('a service refuses to start, and lists missing settings', async () => {
    const variables = { ...streamVariables(brokers, join(folder, 'refused')), TOPICS_CREATE: 'false' };
    const { TOPIC_PREFIX: prefix } = variables as Variables;
    const needed = [
      ['extract', ['images', 'images-dlt', `vectors.${extractor}`]],
      ['ingest', ['images', 'labels']],
      ['classify', ['labels', 'examples', 'heads', 'serving', 'predictions']],
    ] as const;
    const refusals = needed.map(async ([service, topics]) => {
      const failure: Error = await startService(service, variables).then(
        () => new Error('it started'),
        (error) => error,
      );
      expect(failure.message).toContain(`${service} ended with 1`);
      for (const topic of topics) expect(failure.message).toContain(`${prefix}${topic}`);
    });
    await Promise.all(refusals);
  });

  it('everything runs under custom names', async () => {
    const own = streamVariables(brokers, join(folder, 'own')).TOPIC_PREFIX;
    const variables: Variables = {
      KAFKA_BROKERS: brokers.join(','),
      DATA_DIR: join(folder, 'own'),
      EXTRACTOR: extractor,
      EXTRACTORS: extractor,
      TASKS: task,
      PARTITIONS: '2',
      TOPIC_IMAGES: `${own}pictures`,
      TOPIC_LABELS: `${own}truths`,
      TOPIC_VECTORS: `${own}numbers-`,
      TOPIC_EXAMPLES: `${own}lessons`,
      TOPIC_HEADS: `${own}brains`,
      TOPIC_SERVING: `${own}chosen`,
      TOPIC_PREDICTIONS: `${own}guesses`,
      TOPIC_DEAD_LETTERS_SUFFIX: '.failed',
      GROUP_EXTRACT: `${own}readers-`,
      GROUP_JOIN: `${own}joiners`,
      GROUP_TRAIN: `${own}trainers`,
      TRANSACTIONAL_ID_PREFIX: `${own}tx-`,
    };
    const created = startScript('cli/dist/main.js', ['topics'], variables);
    expect((await created.ended).code, created.stderr()).toBe(0);

    const locked = { ...variables, TOPICS_CREATE: 'false' };
    const [ingest] = await Promise.all([
      startService('ingest', locked),
      startService('extract', locked),
      startService('classify', locked),
    ]);
    const client = await openStreamClient(variables);
    const [image] = digits(1);
    const response = await fetch(new URL('/v1/images', ingest.url), {
      method: 'POST',
      body: new Uint8Array(image?.bytes ?? []),
    });
    const { id } = (await response.json()) as { id: string };
    await untilPredicted(client, 1);
    const label = await fetch(new URL(`/v1/images/${id}/labels/${task}`, ingest.url), {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ label: image?.label }),
    });
    expect([response.status, label.status]).toEqual([202, 202]);
    await expect.poll(async () => (await client.audit([id])).examples, { timeout: 60_000 }).toBe(1);
    const { admin } = client.log;
    const positions: readonly (readonly [group: string, topic: string])[] = [
      [`${own}readers-${extractor}`, `${own}pictures`],
      [`${own}joiners`, `${own}truths`],
      [`${own}trainers`, `${own}lessons`],
    ];
    for (const [group, topic] of positions) {
      const committed = async () =>
        (await admin.committed(group, topic)).some((offset) => Number(offset) > 0);
      await expect.poll(committed, { timeout: 60_000 }).toBe(true);
    }
    await client.close();
  });
});
