import { randomUUID } from 'node:crypto';
import { createKafkaLog, createMemoryLog, createNames, type Log } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { eventually, Rig, vectorOf } from './testing/classify-fixture.ts';

const images = 60;
const labelled = 45;
const rigs: Rig[] = [];
const logs: Log[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
  for (const log of logs.splice(0)) await log.close();
});

function openKafka(): Log {
  const logger = createLogger({ name: 'test', level: 'error' });
  const log = createKafkaLog({ brokers: inject('brokers') }, logger);
  logs.push(log);
  return log;
}

async function openRig(log: Log, prefix: string, partitions: number): Promise<Rig> {
  const names = createNames({ topicPrefix: `${prefix}.`, groupPrefix: `${prefix}.` });
  const rig = await Rig.open({ log, names, partitions });
  rigs.push(rig);
  return rig;
}

async function sendImages(rig: Rig, from: number, to: number): Promise<void> {
  for (let image = from; image < to; image++) await rig.sendVector(`i${image}`, vectorOf(image % 3, image));
}

async function sendLabels(rig: Rig, from: number, to: number): Promise<void> {
  for (let image = from; image < to; image++) await rig.sendLabel(`i${image}`, `c${image % 3}`);
}

/** What an undisturbed process with one partition comes to. */
async function undisturbed(): Promise<string[]> {
  const rig = await openRig(createMemoryLog(), 'memory', 1);
  await rig.start();
  await sendImages(rig, 0, images);
  await sendLabels(rig, 0, labelled);
  const { setDigest, digest } = await rig.settled(labelled);
  return [setDigest, digest];
}

/** Each image was answered exactly once. */
async function expectAnswers(rig: Rig): Promise<void> {
  await eventually(async () => (await rig.predictions()).length >= images);
  const answered = (await rig.predictions()).map(({ imageId }) => imageId);
  expect(answered.sort()).toEqual(Array.from({ length: images }, (_, image) => `i${image}`).sort());
}

describe('classify on Kafka', () => {
  it('comes to the same digests on three partitions and two lives, and answers each image once', async () => {
    const rig = await openRig(openKafka(), `classify-${randomUUID()}`, 3);
    const first = await rig.start();
    await sendImages(rig, 0, 30);
    await sendLabels(rig, 0, 20);
    const early = await rig.settled(20);
    await sendImages(rig, 30, images);
    await first.stop();
    const second = await rig.start();
    await sendLabels(rig, 20, labelled);
    const settled = await rig.settled(labelled);
    expect(settled.version).toBeGreaterThan(early.version);
    expect([settled.setDigest, settled.digest]).toEqual(await undisturbed());
    await expectAnswers(rig);
    const versions = (await rig.heads()).map(({ version }) => version);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    await second.stop();
  });

  it('shares its partitions among two processes, and one takes over when the other leaves', async () => {
    const prefix = `classify-${randomUUID()}`;
    const rig = await openRig(openKafka(), prefix, 4);
    const other = await openRig(openKafka(), prefix, 4);
    await rig.start();
    const leaving = await other.start();
    await sendImages(rig, 0, 30);
    await sendLabels(rig, 0, 20);
    await rig.settled(20);
    const stopped = leaving.stop();
    await sendImages(rig, 30, images);
    await sendLabels(rig, 20, labelled);
    await stopped;
    const settled = await rig.settled(labelled);
    expect([settled.setDigest, settled.digest]).toEqual(await undisturbed());
    await expectAnswers(rig);
    expect(await rig.deadLetters(rig.names.topics.labels)).toEqual([]);
  });
});
