import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identify, tryLock, waitForLock } from './process-lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-lock-'));
  path = join(folder, 'deep', 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const stale = (...holders: { pid: number; started: string }[]) =>
  writeFileSync(path, JSON.stringify(holders));

async function take() {
  const attempt = await tryLock(path);
  if (!('lock' in attempt)) throw new Error(`held by ${attempt.heldBy}`);
  return attempt.lock;
}

test('grants the lock to one of many, and to the next one after its release', async () => {
  const attempts = await Promise.all(Array.from({ length: 8 }, () => tryLock(path)));
  const locks = attempts.flatMap((attempt) => ('lock' in attempt ? [attempt.lock] : []));
  expect(locks).toHaveLength(1);
  expect(attempts).toContainEqual({ heldBy: process.pid, isLeftOver: false });
  await locks[0]?.release();
  await (await take()).release();
  expect(readdirSync(join(folder, 'deep'))).toEqual([]);
});

test('grants a lock of an ended owner to one process', async () => {
  await (await take()).release();
  const child = spawn('true');
  await new Promise((resolve) => child.once('exit', resolve));
  stale({ pid: child.pid ?? 0, started: '1' });
  const attempts = await Promise.all(Array.from({ length: 8 }, () => tryLock(path)));
  expect(attempts.filter((attempt) => 'lock' in attempt)).toHaveLength(1);
});

test('does not accept a reused process id as the owner', async () => {
  await (await take()).release();
  stale({ pid: process.pid, started: 'in another life' });
  await (await take()).release();
});

test('ignores a partial lock file', async () => {
  await (await take()).release();
  writeFileSync(path, '[{"pid":');
  await (await take()).release();
});

test('a remaining child process keeps the lock of an ended owner', async () => {
  const lock = await take();
  const child = spawn('sleep', ['60']);
  await lock.addHolder(child.pid ?? 0);
  const left = identify(child.pid ?? 0);
  stale(
    { pid: process.pid, started: 'in another life' },
    { pid: left?.pid ?? 0, started: left?.started ?? '' },
  );
  expect(await tryLock(path)).toEqual({ heldBy: child.pid, isLeftOver: true });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill();
  await ended;
  await (await take()).release();
});

test('stops waiting when the lock is free or the condition is met', async () => {
  const lock = await take();
  const waiting = waitForLock(path, () => false);
  expect(await waitForLock(path, () => true)).toBeUndefined();
  await lock.release();
  await (await waiting)?.release();
});
