import { randomUUID } from 'node:crypto';
import { createKafkaLog, createMemoryLog, createNames, type Log } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { ClassifyFixture, eventually, vectorOf } from './testing/classify-fixture.ts';

const images = 60;
const labelled = 45;
const fixtures: ClassifyFixture[] = [];
const logs: Log[] = [];
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.close();
  for (const log of logs.splice(0)) await log.close();
});

function openKafka(): Log {
  const logger = createLogger({ name: 'test', level: 'error' });
  const log = createKafkaLog({ brokers: inject('brokers') }, logger);
  logs.push(log);
  return log;
}

async function openFixture(log: Log, prefix: string, partitions: number): Promise<ClassifyFixture> {
  const names = createNames({ topicPrefix: `${prefix}.`, groupPrefix: `${prefix}.` });
  const fixture = await ClassifyFixture.open({ log, names, partitions });
  fixtures.push(fixture);
  return fixture;
}

async function sendImages(fixture: ClassifyFixture, from: number, to: number): Promise<void> {
  for (let image = from; image < to; image++)
    await fixture.sendVector(`i${image}`, vectorOf(image % 3, image));
}

async function sendLabels(fixture: ClassifyFixture, from: number, to: number): Promise<void> {
  for (let image = from; image < to; image++) await fixture.sendLabel(`i${image}`, `c${image % 3}`);
}

/** What an undisturbed process with one partition comes to. */
async function undisturbed(): Promise<string[]> {
  const fixture = await openFixture(createMemoryLog(), 'memory', 1);
  await fixture.start();
  await sendImages(fixture, 0, images);
  await sendLabels(fixture, 0, labelled);
  const { setDigest, digest } = await fixture.settled(labelled);
  return [setDigest, digest];
}

/** Each image was answered exactly once. */
async function expectAnswers(fixture: ClassifyFixture): Promise<void> {
  await eventually(async () => (await fixture.predictions()).length >= images);
  const answered = (await fixture.predictions()).map(({ imageId }) => imageId);
  expect(answered.sort()).toEqual(Array.from({ length: images }, (_, image) => `i${image}`).sort());
}

describe('classify on Kafka', () => {
  it('comes to the same digests on three partitions and two lives, and answers each image once', async () => {
    const fixture = await openFixture(openKafka(), `classify-${randomUUID()}`, 3);
    const first = await fixture.start();
    await sendImages(fixture, 0, 30);
    await sendLabels(fixture, 0, 20);
    const early = await fixture.settled(20);
    await sendImages(fixture, 30, images);
    await first.stop();
    const second = await fixture.start();
    await sendLabels(fixture, 20, labelled);
    const settled = await fixture.settled(labelled);
    expect(settled.version).toBeGreaterThan(early.version);
    expect([settled.setDigest, settled.digest]).toEqual(await undisturbed());
    await expectAnswers(fixture);
    const versions = (await fixture.heads()).map(({ version }) => version);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    await second.stop();
  });

  it('shares its partitions among two processes, and one takes over when the other leaves', async () => {
    const prefix = `classify-${randomUUID()}`;
    const fixture = await openFixture(openKafka(), prefix, 4);
    const other = await openFixture(openKafka(), prefix, 4);
    await fixture.start();
    const leaving = await other.start();
    await sendImages(fixture, 0, 30);
    await sendLabels(fixture, 0, 20);
    await fixture.settled(20);
    const stopped = leaving.stop();
    await sendImages(fixture, 30, images);
    await sendLabels(fixture, 20, labelled);
    await stopped;
    const settled = await fixture.settled(labelled);
    expect([settled.setDigest, settled.digest]).toEqual(await undisturbed());
    await expectAnswers(fixture);
    expect(await fixture.deadLetters(fixture.names.topics.labels)).toEqual([]);
  });
});
