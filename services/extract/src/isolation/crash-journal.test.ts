import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import type { LogRecord } from '@headwater/log';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CrashJournal } from './crash-journal.ts';
import { Quarantine } from './quarantine.ts';

const recordAt = (offset: number): LogRecord => ({
  topic: 'images',
  partition: 1,
  offset: BigInt(offset),
  timestamp: 0,
  key: null,
  value: null,
  headers: {},
});

function openRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'headwater-journal-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

const never = new AbortController().signal;

type Life = 'dies with all' | 'dies with one alone' | 'clears one' | 'dies while it stops';

/** A process of its own opens a journal, begins with these records, and ends as told. */
function live(root: string, life: Life, offsets: readonly number[]): void {
  const journal = import.meta.resolve('@headwater/extract/crash-journal');
  const script = `
    import { CrashJournal } from ${JSON.stringify(journal)};
    const journal = new CrashJournal(${JSON.stringify(root)});
    const records = ${JSON.stringify(offsets)}.map((offset) => ({ topic: 'images', partition: 1, offset }));
    const kill = () => process.kill(process.pid, 'SIGKILL');
    const alone = (work) => journal.runIsolated(records[0], work);
    const lives = {
      'dies with all': async () => kill(),
      'dies with one alone': () => alone(async () => kill()),
      'clears one': () => alone(async () => 'fine'),
      'dies while it stops': () => alone(async () => { journal.close(); kill(); }),
    };
    await journal.during(records, lives[${JSON.stringify(life)}]);
    journal.close();`;
  const { signal, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  expect(life === 'clears one' ? status : signal, String(stderr)).toBe(life === 'clears one' ? 0 : 'SIGKILL');
}

describe('the crash journal', () => {
  it('suspects nothing after an orderly end, and leaves nothing behind', async () => {
    const root = openRoot();
    const journal = new CrashJournal(root);
    expect(await journal.during([recordAt(1)], async () => 'done')).toBe('done');
    journal.close();
    expect(readdirSync(root)).toEqual([]);
    expect(new CrashJournal(root).size).toBe(0);
  });

  it('quarantines the records in progress at a crash', async () => {
    const root = openRoot();
    live(root, 'dies with all', [4, 5, 6]);
    const journal = new CrashJournal(root);
    expect(journal.size).toBe(3);
    expect([3, 4, 5, 6, 7].map((offset) => journal.isQuarantined(recordAt(offset)))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(journal.isPoisonRecord(recordAt(4))).toBe(false);
  });

  it('quarantines no record that was in flight at an orderly stop, and keeps the quarantine', async () => {
    const root = openRoot();
    live(root, 'dies while it stops', [4, 5]);
    expect(new CrashJournal(root).size).toBe(0);
    live(root, 'dies with all', [6]);
    live(root, 'dies while it stops', [6, 7]);
    const journal = new CrashJournal(root);
    expect([6, 7].map((offset) => journal.isQuarantined(recordAt(offset)))).toEqual([true, false]);
    live(root, 'dies with one alone', [6]);
    expect(new CrashJournal(root).isPoisonRecord(recordAt(6))).toBe(false);
  });

  it('finds an image guilty that was alone in two deaths, and clears those that came through', async () => {
    const root = openRoot();
    live(root, 'dies with all', [4, 5]);
    live(root, 'dies with one alone', [4, 5]);
    live(root, 'clears one', [5]);
    live(root, 'dies with one alone', [4, 9]);
    const journal = new CrashJournal(root);
    expect(journal.isPoisonRecord(recordAt(4))).toBe(true);
    expect([5, 9].map((offset) => journal.isQuarantined(recordAt(offset)))).toEqual([false, false]);
  });

  it('keeps a suspicion when the image could not be tried', async () => {
    const root = openRoot();
    live(root, 'dies with all', [4]);
    const journal = new CrashJournal(root);
    const unavailable = async () => {
      throw new HeadwaterError('blob-store-unavailable', 'not now');
    };
    await expect(journal.runIsolated(recordAt(4), unavailable)).rejects.toThrow('not now');
    expect(journal.isQuarantined(recordAt(4))).toBe(true);
    const unreadable = async () => {
      throw new HeadwaterError('image-unreadable', 'damaged');
    };
    await expect(journal.runIsolated(recordAt(4), unreadable)).rejects.toThrow('damaged');
    expect(journal.isQuarantined(recordAt(4))).toBe(false);
  });

  it('leaves the notes of processes that live alone, in this process and in others', async () => {
    const root = openRoot();
    const journal = new CrashJournal(root);
    await journal.during([recordAt(1)], async () => {
      expect(new CrashJournal(root).size).toBe(0);
    });
    expect(readdirSync(root).every((name) => name.startsWith(`${hostname()}-${process.pid}-`))).toBe(true);
  });

  it('processes images where the journal cannot be written', async () => {
    const journal = new CrashJournal('/dev/null/nowhere');
    expect(journal.isKept).toBe(false);
    expect(await journal.during([recordAt(1)], async () => 'done')).toBe('done');
    journal.close();
  });
});

describe('the quarantine', () => {
  it('runs a suspect when nothing else runs, and others side by side', async () => {
    const root = openRoot();
    live(root, 'dies with all', [3]);
    const quarantine = new Quarantine(new CrashJournal(root), 4);
    let running = 0;
    const besides = new Map<number, number>();
    const look = async (offset: number) => {
      running += 1;
      besides.set(offset, Math.max(besides.get(offset) ?? 0, running));
      await new Promise((resolve) => setTimeout(resolve, 5));
      besides.set(offset, Math.max(besides.get(offset) ?? 0, running));
      running -= 1;
    };
    const offsets = [0, 1, 2, 3, 4, 5, 6, 7];
    await Promise.all(offsets.map((offset) => quarantine.run(recordAt(offset), () => look(offset), never)));
    expect(besides.get(3)).toBe(1);
    expect(Math.max(...besides.values())).toBeGreaterThan(1);
    expect(Math.max(...besides.values())).toBeLessThanOrEqual(4);
  });

  it('does not touch an image that is guilty', async () => {
    const root = openRoot();
    live(root, 'dies with all', [3]);
    live(root, 'dies with one alone', [3]);
    live(root, 'dies with one alone', [3]);
    const quarantine = new Quarantine(new CrashJournal(root), 4);
    const work = async () => expect.unreachable();
    await expect(quarantine.run(recordAt(3), work, never)).rejects.toMatchObject({
      code: 'extractor-failed',
      verdict: 'dead-letter',
    });
    await expect(quarantine.run(recordAt(4), async () => 'fine', never)).resolves.toBe('fine');
  });
});
