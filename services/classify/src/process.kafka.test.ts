/** A real process that is killed in mid-stream: what it had in flight is neither lost nor there twice. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createKafkaLog, createMemoryLog, createNames, type Log } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { afterEach, expect, inject, it } from 'vitest';
import { ClassifyFixture, dayOne, eventually, vectorOf } from './testing/classify-fixture.ts';

/** Its schema ships with the product, so a process of its own can read it. */
const extractor = 'lenet-digits.v1';
const images = 90;
/** The group gives a killed member up after its session timeout. */
const patienceMs = 100_000;
const main = join(dirname(createRequire(import.meta.url).resolve('@headwater/classify')), 'main.js');

const children: ChildProcess[] = [];
const fixtures: ClassifyFixture[] = [];
let log: Log | undefined;
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const fixture of fixtures.splice(0)) await fixture.close();
  await log?.close();
});

async function openFixture(of: Log, prefix: string, partitions: number): Promise<ClassifyFixture> {
  const names = createNames({ topicPrefix: `${prefix}.`, groupPrefix: `${prefix}.` });
  const fixture = await ClassifyFixture.open({ log: of, names, partitions, extractors: [extractor] });
  fixtures.push(fixture);
  return fixture;
}

function run(fixture: ClassifyFixture, prefix: string): ChildProcess {
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      KAFKA_BROKERS: inject('brokers').join(),
      // The shortest that Kafka takes: a successor waits no longer for who was killed.
      KAFKA_SESSION_TIMEOUT: '6s',
      TOPIC_PREFIX: `${prefix}.`,
      GROUP_PREFIX: `${prefix}.`,
      EXTRACTORS: extractor,
      TASKS: 'digit',
      DATA_DIR: fixture.dataDir,
      PARTITIONS: '3',
      REPLICATION_FACTOR: '1',
      HTTP_PORT: '0',
      ADMIN_PORT: '0',
      SETTLE_AFTER_MS: '300',
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  return child;
}

/** Of these, the first label is wrong, and is corrected later. */
const corrected = [3, 17, 33, 48];
/** Labelled, and the label is taken back. */
const retracted = [5, 41];

const rightLabel = (image: number) => (retracted.includes(image) ? undefined : `c${image % 3}`);
const firstLabel = (image: number) => `c${(image + Number(corrected.includes(image))) % 3}`;

async function send(
  fixture: ClassifyFixture,
  from: number,
  to: number,
  labelOf: (image: number) => string | undefined = firstLabel,
): Promise<void> {
  for (let image = from; image < to; image++) {
    const vector = [...vectorOf(image % 3, image), ...Array.from({ length: 792 }, () => 0.001)];
    await fixture.sendVector(`i${image}`, vector);
    const label = labelOf(image);
    if (label !== undefined) await fixture.sendLabel(`i${image}`, label);
  }
}

async function mend(fixture: ClassifyFixture): Promise<void> {
  for (const image of [...corrected, ...retracted]) {
    await fixture.sendLabel(`i${image}`, rightLabel(image) ?? null, { assignedAt: dayOne + 3_000 });
  }
}

/** The other way round, and only what counts in the end. */
async function sendWhatCounts(fixture: ClassifyFixture): Promise<void> {
  for (let image = images - 1; image >= 0; image--) await send(fixture, image, image + 1, rightLabel);
}

it('loses and doubles nothing when it is killed, and comes to the digest of an undisturbed one', async () => {
  const prefix = `classify-${randomUUID()}`;
  log = createKafkaLog({ brokers: inject('brokers') }, createLogger({ name: 'test', level: 'error' }));
  const fixture = await openFixture(log, prefix, 3);
  const first = run(fixture, prefix);
  const { topics } = fixture.names;
  await eventually(
    async () => (await fixture.log.admin.partitions(topics.serving)) !== undefined,
    patienceMs,
  );
  await send(fixture, 0, 30);
  await eventually(async () => (await fixture.predictions()).length >= 20, patienceMs);
  await send(fixture, 30, 60);
  await eventually(async () => (await fixture.predictions()).length >= 40, patienceMs);
  first.kill('SIGKILL');
  await once(first, 'exit');
  const second = run(fixture, prefix);
  await send(fixture, 60, images);
  await mend(fixture);
  const learned = images - retracted.length;
  const settled = await fixture.settled(learned, 'digit', patienceMs);

  const undisturbed = await openFixture(createMemoryLog(), 'memory', 1);
  await undisturbed.start();
  await sendWhatCounts(undisturbed);
  const expected = await undisturbed.settled(learned);
  expect([settled.setDigest, settled.digest]).toEqual([expected.setDigest, expected.digest]);
  await eventually(async () => (await fixture.predictions()).length >= images, patienceMs);
  const answered = (await fixture.predictions()).map(({ imageId }) => imageId);
  expect(answered.sort()).toEqual(Array.from({ length: images }, (_, image) => `i${image}`).sort());
  const versions = (await fixture.heads()).map(({ kind, version }) => `${kind} ${version}`);
  expect(new Set(versions).size).toBe(versions.length);

  second.kill('SIGTERM');
  expect(await once(second, 'exit')).toEqual([0, null]);
});
