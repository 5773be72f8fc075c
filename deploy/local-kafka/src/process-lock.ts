/**
 * A lock file that ends with its owner. It contains the process id and start time of the owner, so that a crash needs
 * no manual cleanup, and a reused process id does not count as the owner.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessLock {
  /** Extends the lock until this process has also ended, even if the owner ends before. */
  addHolder(pid: number): Promise<void>;
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  readonly started: string;
}

/** The acquired lock, or its living holder; `isLeftOver` where the owner itself has ended. */
type Acquired = { readonly lock: ProcessLock } | { readonly heldBy: number; readonly isLeftOver: boolean };

/** Tries to acquire the lock once. Creates its folder. */
export async function tryLock(path: string): Promise<Acquired> {
  await mkdir(dirname(path), { recursive: true });
  const own: Holder[] = [identify(process.pid)].filter((holder) => holder !== undefined);
  for (;;) {
    if (await createWhole(path, own)) return { lock: heldLock(path, own) };
    const holders = await readHolders(path);
    if (holders === undefined) continue;
    const living = holders.find(isAlive);
    if (living !== undefined) return { heldBy: living.pid, isLeftOver: living !== holders[0] };
    await removeStale(path, holders);
  }
}

/** Waits for the lock; undefined when `isDone` becomes true before. */
export async function waitForLock(path: string, isDone: () => boolean): Promise<ProcessLock | undefined> {
  for (;;) {
    if (isDone()) return undefined;
    const attempt = await tryLock(path);
    if ('lock' in attempt) return attempt.lock;
    await sleep(200);
  }
}

function heldLock(path: string, holders: readonly Holder[]): ProcessLock {
  let all = holders;
  return {
    async addHolder(pid) {
      const holder = identify(pid);
      if (holder === undefined) return;
      all = [...all, holder];
      await replace(path, all);
    },
    release: () => rm(path, { force: true }),
  };
}

/** A link is created atomically with its content, so that no process reads a partial lock. */
async function createWhole(path: string, holders: readonly Holder[]): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(holders));
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function replace(path: string, holders: readonly Holder[]): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(holders));
  await rename(draft, path);
}

async function readHolders(path: string): Promise<readonly Holder[] | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as readonly Holder[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Moves the lock away and checks it again: two processes with the same stale lock must not remove a new one. */
async function removeStale(path: string, stale: readonly Holder[]): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = await readHolders(aside);
  if (JSON.stringify(moved) !== JSON.stringify(stale)) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

function isAlive(holder: Holder): boolean {
  return identify(holder.pid)?.started === holder.started;
}

/** undefined when there is no such process. */
export function identify(pid: number): Holder | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  return { pid, started: readStart(pid) };
}

/** Start time of a process: field 22 of /proc/<pid>/stat, or that of ps; empty where neither is available. */
function readStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    try {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    } catch {
      return '';
    }
  }
}
