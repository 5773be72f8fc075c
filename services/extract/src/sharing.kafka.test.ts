/**
 * Two extract processes share the partitions of a real Kafka; one of them stops, in order or not, while images keep coming.
 * Afterwards every image has one vector, and only one, as the log and its provenance headers tell.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createKafkaLog } from '@headwater/log';
import { createLogger } from '@headwater/service-kit';
import { expect, inject, it, onTestFinished } from 'vitest';
import { startExtract } from './service.ts';
import { extractor, openExtractFixture, until } from './testing/extract-fixture.ts';

const silent = createLogger({ name: 'test', level: 'fatal' });
const openLog = () => createKafkaLog({ brokers: inject('brokers') }, silent);
const environment = { PARTITIONS: '4', RECORDS_PER_COMMIT: '8', REPLICATION_FACTOR: '1' };

async function open() {
  const prefix = `extract-${process.pid}-${Date.now().toString(36)}.`;
  const fixture = await openExtractFixture(openLog(), prefix);
  onTestFinished(() => fixture.close());
  return fixture;
}

type ExtractFixture = Awaited<ReturnType<typeof open>>;

/** A service with connections of its own, as another process would have them. */
async function start(fixture: ExtractFixture) {
  const log = openLog();
  const dependencies = { ...fixture.dependencies(), log };
  const service = await startExtract(fixture.config(environment), dependencies);
  onTestFinished(async () => {
    await service.stop();
    await log.close();
  });
  const hasWorked = async () =>
    /headwater_extract_records_total\{outcome="vector"\} [1-9]/.test(
      (await dependencies.metrics.render()).body,
    );
  return { service, log, hasWorked };
}

function imageIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `image-${index}`);
}

async function expectEachOnce(fixture: ExtractFixture, ids: readonly string[]) {
  await until(async () => (await fixture.vectors()).length >= ids.length);
  const vectors = await fixture.vectors();
  const sources = await fixture.imageRecords();
  expect(sources).toHaveLength(ids.length);
  expect(vectors.map(({ id }) => id).sort()).toEqual([...ids].sort());
  const expected = sources.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
  expect(vectors.map(({ source }) => source).sort()).toEqual(expected.sort());
  expect(await fixture.deadLetters()).toEqual([]);
}

/** Sends in small portions, so that there is always something in flight. */
async function sendSteadily(fixture: ExtractFixture, ids: readonly string[]) {
  for (let from = 0; from < ids.length; from += 20) {
    await fixture.sendImages(ids.slice(from, from + 20), from);
  }
}

it('loses and doubles nothing when one of two processes stops in mid-stream', async () => {
  const fixture = await open();
  const first = await start(fixture);
  const second = await start(fixture);
  const ids = imageIds(600);
  const sending = sendSteadily(fixture, ids);
  await until(async () => (await first.hasWorked()) && (await second.hasWorked()));
  await second.service.stop();
  await sending;
  await expectEachOnce(fixture, ids);
  await first.service.stop();
});

it('loses and doubles nothing when the log is closed under one of two processes', async () => {
  const fixture = await open();
  await start(fixture);
  const lost = await start(fixture);
  const ids = imageIds(600);
  const sending = sendSteadily(fixture, ids);
  await until(lost.hasWorked);
  await lost.log.close();
  await sending;
  await expectEachOnce(fixture, ids);
});

it('shares partitions with a process that joins later', async () => {
  const fixture = await open();
  await start(fixture);
  const ids = imageIds(300);
  const sending = sendSteadily(fixture, ids);
  await until(async () => (await fixture.vectors()).length > 20);
  const late = await start(fixture);
  await sending;
  await expectEachOnce(fixture, ids);
  await fixture.sendImages(imageIds(40).map((id) => `late-${id}`));
  await until(late.hasWorked);
});

/** Extract in a process of its own; `log` is what it has written to standard error. */
function spawnExtract(fixture: ExtractFixture) {
  const main = createRequire(import.meta.url).resolve('@headwater/extract/main');
  const child = spawn(process.execPath, [main], {
    env: {
      ...environment,
      PATH: process.env.PATH,
      KAFKA_BROKERS: inject('brokers').join(),
      // The shortest that Kafka takes: a successor waits no longer for who was killed.
      KAFKA_SESSION_TIMEOUT: '6s',
      TOPIC_PREFIX: fixture.prefix,
      GROUP_PREFIX: fixture.prefix,
      EXTRACTOR: extractor,
      DATA_DIR: fixture.root,
      ADMIN_PORT: '0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const run = { child, log: '', ended: once(child, 'exit') };
  child.stderr.on('data', (chunk) => {
    run.log += chunk;
  });
  return run;
}

it('runs as a process, and commits the records in flight on SIGTERM', async () => {
  const fixture = await open();
  await start(fixture);
  const own = spawnExtract(fixture);
  await until(() => own.log.includes('extractor opened') && own.log.includes('"ready"'));
  const ids = imageIds(400);
  const sending = sendSteadily(fixture, ids);
  await until(async () => (await fixture.vectors()).length > 50);
  own.child.kill('SIGTERM');
  expect(await own.ended, own.log).toEqual([0, null]);
  await sending;
  await expectEachOnce(fixture, ids);
});

it('loses and doubles nothing when a process is killed in mid-stream, and a successor goes on', async () => {
  const fixture = await open();
  const killed = spawnExtract(fixture);
  await until(() => killed.log.includes('"ready"'));
  const ids = imageIds(400);
  const sending = sendSteadily(fixture, ids);
  await until(async () => (await fixture.vectors()).length > 50);
  killed.child.kill('SIGKILL');
  expect(await killed.ended).toEqual([null, 'SIGKILL']);
  const successor = spawnExtract(fixture);
  await sending;
  await expectEachOnce(fixture, ids);
  successor.child.kill('SIGTERM');
  expect(await successor.ended, successor.log).toEqual([0, null]);
});
