/** Takeovers from killed and stopped processes: no record is lost or duplicated. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  createTopic,
  eventually,
  numbered,
  produce,
  readAll,
  sourceOffsets,
  uniqueName,
} from '@headwater/testing';
import { describe, expect, inject, it, type TestContext } from 'vitest';
import type { Log } from '../../api.ts';
import { createSilentLogger } from '../../silent-logger.ts';
import { createKafkaLog } from '../kafka-log.ts';

const copier = fileURLToPath(new URL('partition-copier.mjs', import.meta.url));
const count = 1_200;

type Finish = TestContext['onTestFinished'];

async function startCopier(
  names: { GROUP: string; INPUT: string; OUTPUT: string },
  onTestFinished: Finish,
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [copier], {
    env: { ...process.env, ...names, BROKERS: inject('brokers').join(',') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

async function setUp(onTestFinished: Finish) {
  const log = createKafkaLog({ brokers: inject('brokers') }, createSilentLogger());
  onTestFinished(() => log.close());
  const names = {
    GROUP: uniqueName('group'),
    INPUT: await createTopic(log, 4),
    OUTPUT: await createTopic(log, 2),
  };
  await produce(log, numbered(names.INPUT, count));
  return { log, names };
}

async function expectEachOnce(log: Log, { INPUT, OUTPUT }: { INPUT: string; OUTPUT: string }): Promise<void> {
  await eventually(async () => (await readAll(log, OUTPUT)).length >= count);
  const inputs = await readAll(log, INPUT);
  const sources = inputs.map(({ partition, offset }) => `${partition}/${String(offset).padStart(8, '0')}`);
  expect(sourceOffsets(await readAll(log, OUTPUT))).toEqual(sources.sort());
}

// Each test waits for a session timeout, so they run concurrently.
describe.concurrent('taking over partitions', { timeout: 100_000 }, () => {
  it('from a process that was killed mid-stream', async ({ onTestFinished }) => {
    const { log, names } = await setUp(onTestFinished);
    const first = await startCopier(names, onTestFinished);
    await eventually(async () => (await readAll(log, names.OUTPUT)).length > 20);
    first.kill('SIGKILL');
    await once(first, 'exit');
    expect((await readAll(log, names.OUTPUT)).length).toBeLessThan(count);
    await startCopier(names, onTestFinished);
    await expectEachOnce(log, names);
  });

  it('from an owner that was stopped mid-stream and resumes after a takeover', async ({ onTestFinished }) => {
    const { log, names } = await setUp(onTestFinished);
    const first = await startCopier(names, onTestFinished);
    await eventually(async () => (await readAll(log, names.OUTPUT)).length > 20);
    first.kill('SIGSTOP');
    expect((await readAll(log, names.OUTPUT)).length).toBeLessThan(count);
    await startCopier(names, onTestFinished);
    await eventually(async () => (await readAll(log, names.OUTPUT)).length >= count);
    first.kill('SIGCONT');
    await produce(log, numbered(names.INPUT, 100, count));
    await eventually(async () => (await readAll(log, names.OUTPUT)).length >= count + 100);
    await expectEachOnce(log, names);
  });
});
