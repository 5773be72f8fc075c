import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AssignedPartition, LogRecord } from '@headwater/log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPartitionStore, type PartitionStore } from './partition-store.ts';
import { erasedKey, erasedMark } from './rewriting.ts';
import { rollForward } from './roll-forward.ts';
import { Draft, type RangeOptions } from './state.ts';

let folder: string;
const opened: PartitionStore[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headwater-store-'));
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(identity = 'one'): Promise<PartitionStore> {
  const store = await openPartitionStore({ folder, identity });
  opened.push(store);
  return store;
}

async function reopen(identity = 'one'): Promise<PartitionStore> {
  await opened.pop()?.close();
  return open(identity);
}

/** Simulates a full disk: every write to a file of this process fails (EFBIG instead of ENOSPC). */
function limitFiles(bytes: '0' | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`]);
}

function canLimitFiles(): boolean {
  return spawnSync('prlimit', ['--version']).status === 0;
}

const bytes = (text: string) => Buffer.from(text);

describe('the store of a partition', () => {
  it('keeps no byte of erased entries once it is reopened', async () => {
    const secret = 'a secret that must not stay';
    const bytesOnDisk = () => readFileSync(join(folder, 'data.mdb'));
    const others = new Map(Array.from({ length: 3_000 }, (_, at) => [`k${at}`, bytes(`value ${at}`)]));
    const first = await open();
    await first.write(new Map([...others, ['k1500x', bytes(secret)]]), new Map([['t', 5n]]));
    await first.write(new Map([['k1500x', bytes(`${secret} either`)]]), new Map([['t', 6n]]));
    await first.write(
      new Map([
        ['k1500x', null],
        [erasedKey, erasedMark],
      ]),
      new Map([['t', 7n]]),
    );
    expect(bytesOnDisk().includes(secret)).toBe(true);
    const second = await reopen();
    expect(bytesOnDisk().includes(secret)).toBe(false);
    expect(readdirSync(folder)).not.toContain('rewritten');
    expect([...second.range('k')].map(({ key, value }) => [key, String(value)])).toEqual(
      [...others].map(([key, value]) => [key, String(value)]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    );
    expect(second.positions).toEqual(new Map([['t', 7n]]));
    expect(second.get(erasedKey)).toBeUndefined();
  });

  it('keeps changes and positions together, across a restart', async () => {
    const store = await open();
    expect(store.positions.size).toBe(0);
    await store.write(
      new Map([
        ['a', bytes('1')],
        ['b', bytes('2')],
      ]),
      new Map([['t', 5n]]),
    );
    await store.write(new Map([['b', null]]), new Map([['u', 7n]]));
    const again = await reopen();
    expect([...again.positions]).toEqual([
      ['t', 5n],
      ['u', 7n],
    ]);
    expect(again.get('a')).toEqual(bytes('1'));
    expect(again.get('b')).toBeUndefined();
    expect([...again.range('')].map(({ key }) => key).filter((key) => !key.startsWith('\u0000'))).toEqual([
      'a',
    ]);
  });

  it.skipIf(!canLimitFiles())(
    'reports a full disk as store-unavailable, and is writable again when there is space',
    async () => {
      const store = await open();
      const write = (text: string, offset: bigint) =>
        store.write(new Map([['a', Buffer.alloc(100_000, text)]]), new Map([['t', offset]]));
      await write('1', 5n);
      limitFiles('0');
      const failure = await write('2', 6n)
        .catch((error: unknown) => error)
        .finally(() => limitFiles('unlimited'));
      expect(failure).toMatchObject({ code: 'store-unavailable', verdict: 'stop' });
      // A second, unhandled rejection would end the process before it can stop in order.
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect([...store.positions]).toEqual([['t', 5n]]);
      await write('3', 7n);
      expect([...(await reopen()).positions]).toEqual([['t', 7n]]);
    },
  );

  it('iterates over every entry once, in both orders, also slowly and during writes', async () => {
    const store = await open();
    const keys = Array.from({ length: 700 }, (_, index) => `seen/${String(index).padStart(4, '0')}`);
    await store.write(new Map(keys.map((key) => [key, Buffer.from(key)])), new Map());
    await store.write(new Map([['later', Buffer.from('x')]]), new Map());
    const found: string[] = [];
    for (const { key, value } of store.range('seen/')) {
      found.push(key);
      expect(value.toString()).toBe(key);
      if (found.length % 100 === 0) await store.write(new Map([['aside', Buffer.from(key)]]), new Map());
    }
    expect(found).toEqual(keys);
    const back = [...store.range('seen/', { descending: true })].map(({ key }) => key);
    expect(back).toEqual(keys.toReversed());
    const part = [...store.range('seen/', { from: 'seen/0400', descending: true })].map(({ key }) => key);
    expect(part).toEqual(keys.slice(0, 400).toReversed());
    expect([...store.range('seen/', { from: 'seen/0400' })].length).toBe(300);
  });

  it('rejects calls after it was closed', async () => {
    const store = await open();
    await store.write(new Map([['seen/1', Buffer.from('x')]]), new Map());
    const entries = store.range('seen/')[Symbol.iterator]();
    await opened.pop()?.close();
    const closed = expect.objectContaining({ code: 'store-unavailable' });
    expect(() => store.get('seen/1')).toThrow(closed);
    expect(() => entries.next()).toThrow(closed);
    await expect(store.write(new Map(), new Map())).rejects.toEqual(closed);
  });

  it('is emptied when it has another format', async () => {
    const store = await open();
    await store.write(new Map([['a', bytes('1')]]), new Map([['t', 5n]]));
    const other = await reopen('two');
    expect(other.get('a')).toBeUndefined();
    expect(other.positions.size).toBe(0);
  });

  it('shows a draft’s changes in order among its own entries', async () => {
    const store = await open();
    await store.write(
      new Map([
        ['p/b', bytes('b')],
        ['p/d', bytes('d')],
        ['q', bytes('q')],
      ]),
      new Map(),
    );
    const draft = new Draft(store);
    for (const name of ['p/e', 'p/a', 'p/c']) draft.put(name, bytes(name));
    draft.put('p/d', null);
    const keys = (options?: RangeOptions) => [...draft.range('p/', options)].map(({ key }) => key);
    expect(keys()).toEqual(['p/a', 'p/b', 'p/c', 'p/e']);
    expect(keys({ descending: true })).toEqual(['p/e', 'p/c', 'p/b', 'p/a']);
    expect(keys({ from: 'p/b' })).toEqual(['p/b', 'p/c', 'p/e']);
    expect(keys({ from: 'p/c', descending: true })).toEqual(['p/b', 'p/a']);
    const stored = (options?: RangeOptions) => [...store.range('p/', options)].map(({ key }) => key);
    expect(stored({ descending: true })).toEqual(['p/d', 'p/b']);
    expect(stored({ from: 'p/d', descending: true })).toEqual(['p/b']);
    expect(stored({ from: 'p/c' })).toEqual(['p/d']);
    expect(store.get('p/a')).toBeUndefined();
  });
});

describe('rolling forward', () => {
  const log = Array.from({ length: 10 }, (_, offset) => record(BigInt(offset)));
  const partitionAt = (position: bigint): AssignedPartition => ({
    index: 0,
    topics: ['t'],
    positions: new Map([['t', position]]),
    async *replay({ from, to }) {
      yield log.filter(({ offset }) => offset >= from && offset < to);
    },
  });
  const roll = (store: PartitionStore, position: bigint, options: { low?: bigint; maxAgeMs?: number } = {}) =>
    rollForward({
      partition: partitionAt(position),
      store,
      apply: async (records, draft) => {
        for (const { offset } of records) draft.put(`seen/${offset}`, bytes('x'));
      },
      earliest: async () => options.low ?? 0n,
      maxAgeMs: options.maxAgeMs ?? 60_000,
    });
  const seen = (store: PartitionStore) => [...store.range('seen/')].map(({ key }) => Number(key.slice(5)));

  it('replays exactly what the store lacks', async () => {
    const store = await open();
    expect(await roll(store, 4n)).toEqual({ outcome: 'rebuilt', records: 4 });
    expect(await roll(store, 4n)).toEqual({ outcome: 'current', records: 0 });
    expect(await roll(store, 7n)).toEqual({ outcome: 'rolled-forward', records: 3 });
    expect(seen(store)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('starts over when the store is ahead of the log or too old', async () => {
    const store = await open();
    await roll(store, 7n);
    expect(await roll(store, 3n)).toEqual({ outcome: 'rebuilt', records: 3 });
    expect(seen(store)).toEqual([0, 1, 2]);
    expect(await roll(store, 5n, { maxAgeMs: -1 })).toEqual({ outcome: 'rebuilt', records: 5 });
  });

  it('begins at the start of the log', async () => {
    const store = await open();
    expect(await roll(store, 9n, { low: 6n })).toEqual({ outcome: 'rebuilt', records: 3 });
    expect(seen(store)).toEqual([6, 7, 8]);
  });
});

function record(offset: bigint): LogRecord {
  return { topic: 't', partition: 0, offset, timestamp: 0, key: null, value: null, headers: {} };
}
