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
import { extractor, openWorkplace, until } from './testing/extract-fixture.ts';

const silent = createLogger({ name: 'test', level: 'fatal' });
const openLog = () => createKafkaLog({ brokers: inject('brokers') }, silent);
const environment = { PARTITIONS: '4', RECORDS_PER_COMMIT: '8', REPLICATION_FACTOR: '1' };

async function open() {
  const prefix = `extract-${process.pid}-${Date.now().toString(36)}.`;
  const workplace = await openWorkplace(openLog(), prefix);
  onTestFinished(() => workplace.close());
  return workplace;
}

type ExtractFixture = Awaited<ReturnType<typeof open>>;

/** A service with connections of its own, as another process would have them. */
async function start(workplace: ExtractFixture) {
  const log = openLog();
  const dependencies = { ...workplace.dependencies(), log };
  const service = await startExtract(workplace.config(environment), dependencies);
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

async function expectEachOnce(workplace: ExtractFixture, ids: readonly string[]) {
  await until(async () => (await workplace.vectors()).length >= ids.length);
  const vectors = await workplace.vectors();
  const sources = await workplace.imageRecords();
  expect(sources).toHaveLength(ids.length);
  expect(vectors.map(({ id }) => id).sort()).toEqual([...ids].sort());
  const expected = sources.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
  expect(vectors.map(({ source }) => source).sort()).toEqual(expected.sort());
  expect(await workplace.deadLetters()).toEqual([]);
}

/** Sends in small portions, so that there is always something in flight. */
async function sendSteadily(workplace: ExtractFixture, ids: readonly string[]) {
  for (let from = 0; from < ids.length; from += 20) {
    await workplace.sendImages(ids.slice(from, from + 20), from);
  }
}

it('loses and doubles nothing when one of two processes stops in mid-stream', async () => {
  const workplace = await open();
  const first = await start(workplace);
  const second = await start(workplace);
  const ids = imageIds(600);
  const sending = sendSteadily(workplace, ids);
  await until(async () => (await first.hasWorked()) && (await second.hasWorked()));
  await second.service.stop();
  await sending;
  await expectEachOnce(workplace, ids);
  await first.service.stop();
});

it('loses and doubles nothing when the log is closed under one of two processes', async () => {
  const workplace = await open();
  await start(workplace);
  const lost = await start(workplace);
  const ids = imageIds(600);
  const sending = sendSteadily(workplace, ids);
  await until(lost.hasWorked);
  await lost.log.close();
  await sending;
  await expectEachOnce(workplace, ids);
});

it('shares partitions with a process that joins later', async () => {
  const workplace = await open();
  await start(workplace);
  const ids = imageIds(300);
  const sending = sendSteadily(workplace, ids);
  await until(async () => (await workplace.vectors()).length > 20);
  const late = await start(workplace);
  await sending;
  await expectEachOnce(workplace, ids);
  await workplace.sendImages(imageIds(40).map((id) => `late-${id}`));
  await until(late.hasWorked);
});

/** Extract in a process of its own; `log` is what it has written to standard error. */
function spawnExtract(workplace: ExtractFixture) {
  const main = createRequire(import.meta.url).resolve('@headwater/extract/main');
  const child = spawn(process.execPath, [main], {
    env: {
      ...environment,
      PATH: process.env.PATH,
      KAFKA_BROKERS: inject('brokers').join(),
      // The shortest that Kafka takes: a successor waits no longer for who was killed.
      KAFKA_SESSION_TIMEOUT: '6s',
      TOPIC_PREFIX: workplace.prefix,
      GROUP_PREFIX: workplace.prefix,
      EXTRACTOR: extractor,
      DATA_DIR: workplace.root,
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

it('runs as a process of its own, and commits what is in flight when it is told to end', async () => {
  const workplace = await open();
  await start(workplace);
  const own = spawnExtract(workplace);
  await until(() => own.log.includes('the extractor is open') && own.log.includes('"ready"'));
  const ids = imageIds(400);
  const sending = sendSteadily(workplace, ids);
  await until(async () => (await workplace.vectors()).length > 50);
  own.child.kill('SIGTERM');
  expect(await own.ended, own.log).toEqual([0, null]);
  await sending;
  await expectEachOnce(workplace, ids);
});

it('loses and doubles nothing when a process is killed in mid-stream, and a successor goes on', async () => {
  const workplace = await open();
  const killed = spawnExtract(workplace);
  await until(() => killed.log.includes('"ready"'));
  const ids = imageIds(400);
  const sending = sendSteadily(workplace, ids);
  await until(async () => (await workplace.vectors()).length > 50);
  killed.child.kill('SIGKILL');
  expect(await killed.ended).toEqual([null, 'SIGKILL']);
  const successor = spawnExtract(workplace);
  await sending;
  await expectEachOnce(workplace, ids);
  successor.child.kill('SIGTERM');
  expect(await successor.ended, successor.log).toEqual([0, null]);
});
