import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BrokerProcess, readTail, startBroker } from './broker-process.ts';
import { identify } from './process-lock.ts';

let folder: string;
const started: BrokerProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-broker-'));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((broker) => broker.stop()));
  rmSync(folder, { recursive: true });
});

const output = () => join(folder, 'out');
const pidFile = () => join(folder, 'pid');

/** A program in place of a broker: it writes its process id and runs a script. */
const command = (script: string) => [
  '/bin/sh',
  '-c',
  `${script}\necho $$ > '${pidFile()}.part'; mv '${pidFile()}.part' '${pidFile()}'\nwhile :; do sleep 0.1; done`,
];

function start(script: string, graceSeconds = 5): BrokerProcess {
  const broker = startBroker(command(script), { outputFile: output(), cwd: folder, graceSeconds });
  started.push(broker);
  return broker;
}

async function readPid(): Promise<number> {
  await expect.poll(() => existsSync(pidFile()), { timeout: 20_000 }).toBe(true);
  return Number(readFileSync(pidFile(), 'utf8'));
}

const isRunning = (pid: number) => identify(pid) !== undefined;
const untilGone = (pid: number) => expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);

test('stop sends SIGTERM first', async () => {
  const broker = start(`trap 'echo asked; exit 0' TERM`);
  const pid = await readPid();
  await Promise.all([broker.stop(), broker.stop()]);
  expect(readTail(output())).toBe('asked');
  expect(isRunning(pid)).toBe(false);
});

test('stop sends SIGKILL after the grace period', async () => {
  const broker = start(`trap '' TERM`, 1);
  const pid = await readPid();
  await broker.stop();
  await untilGone(pid);
});

test('reports a broker that ends by itself, with exit code and output', async () => {
  const broker = start('echo out of memory >&2; exit 3');
  expect(await broker.ended).toEqual({ code: 3 });
  expect(readTail(output())).toBe('out of memory');
  await broker.stop();
});

test('reports a command that does not exist', async () => {
  const broker = startBroker(['/does/not/exist'], { outputFile: output(), cwd: folder });
  expect((await broker.ended).code).toBe(127);
});

test('the broker ends when its parent is killed', async () => {
  const module = JSON.stringify(new URL('../dist/broker-process.js', import.meta.url).href);
  const script = `
    import { startBroker } from ${module};
    startBroker(${JSON.stringify(command(''))}, { outputFile: ${JSON.stringify(output())}, cwd: ${JSON.stringify(folder)}, graceSeconds: 2 });`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const pid = await readPid();
  expect(isRunning(pid)).toBe(true);
  owner.kill('SIGKILL');
  await untilGone(pid);
});

test('the broker ends when the watchdog shell is killed', async () => {
  const broker = start('');
  const pid = await readPid();
  process.kill(broker.pid, 'SIGKILL');
  await broker.ended;
  await untilGone(pid);
});

test('reads the last lines of a file', () => {
  expect(readTail(join(folder, 'absent'))).toBe('');
});
