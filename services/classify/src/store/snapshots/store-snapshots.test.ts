import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BlobStore, createFolderBlobStore } from '@headwater/blobs';
import type { AssignedPartition, Logger, LogRecord } from '@headwater/log';
import { createMetrics } from '@headwater/service-kit';
import { eventually } from '@headwater/testing/eventually';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PartitionStore } from '../partition-store.ts';
import { RebuildReports } from '../rebuild-progress.ts';
import { openRestoredStore } from '../restored-store.ts';
import { erasedKey, erasedMark } from '../rewriting.ts';
import type { Draft } from '../state.ts';
import { StoreSnapshots, type StoreSnapshotsOptions } from './store-snapshots.ts';

const secret = 'a secret that must not stay';
const day = 86_400_000;
let root: string;
let blobs: BlobStore;
let log: LogRecord[];
/** Offsets that are gone from the log. */
let low: bigint;
let warnings: string[];
let opened: PartitionStore[];
let disks: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headwater-snapshots-'));
  blobs = createFolderBlobStore({ root: join(root, 'blobs') });
  log = Array.from({ length: 300 }, (_, offset) => record(BigInt(offset), `value ${offset}`));
  low = 0n;
  warnings = [];
  opened = [];
  disks = 0;
});
afterEach(async () => {
  for (const store of opened) await store.close();
  rmSync(root, { recursive: true, force: true });
});

const logger = {
  debug: () => undefined,
  info: () => undefined,
  error: () => undefined,
  warn: (fields: { readonly reason?: string; readonly error?: unknown }) =>
    warnings.push(fields.reason ?? String(fields.error)),
} as unknown as Logger;

function record(offset: bigint, value: string | null): LogRecord {
  const bytes = value === null ? null : Buffer.from(value);
  const key = Buffer.from(`key ${Number(offset) % 100}`);
  return {
    topic: 't',
    partition: 3,
    offset,
    timestamp: 1_000 + Number(offset),
    key,
    value: bytes,
    headers: {},
  };
}

function append(value: string | null, key?: string): void {
  const made = record(BigInt(log.length), value);
  log.push(key === undefined ? made : { ...made, key: Buffer.from(key) });
}

function partition(index = 3): AssignedPartition {
  return {
    index,
    topics: ['t'],
    positions: new Map([['t', BigInt(log.length)]]),
    async *replay({ from, to }) {
      yield log.filter(({ offset }) => offset >= low && offset >= from && offset < to);
    },
  };
}

async function apply(records: readonly LogRecord[], draft: Draft): Promise<void> {
  for (const { key, value } of records) {
    draft.put(`entry/${key}`, value);
    if (value === null) draft.put(erasedKey, erasedMark);
  }
}

function snapshotsWith(options: Partial<StoreSnapshotsOptions> = {}): StoreSnapshots {
  return new StoreSnapshots({
    role: 'join',
    group: 'headwater.join',
    partitions: 4,
    blobs,
    everyMs: day,
    maxAgeMs: 3 * day,
    earliest: async () => low,
    end: async () => BigInt(log.length),
    logger,
    ...options,
  });
}

interface Disk {
  readonly folder?: string;
  readonly snapshots?: StoreSnapshots | undefined;
  readonly identity?: string;
  readonly index?: number;
}

/** Opens a store, on an empty disk unless one is named. */
async function open({ folder, identity = 'one', index, ...rest }: Disk = {}) {
  const snapshots = 'snapshots' in rest ? rest.snapshots : snapshotsWith();
  const result = await openRestoredStore({
    folder: folder ?? join(root, `disk-${++disks}`),
    identity,
    partition: partition(index),
    snapshots,
    apply,
    earliest: async () => low,
    maxAgeMs: 3 * day,
  });
  opened.push(result.store);
  return result;
}

function contentOf(store: PartitionStore): string[] {
  return [...store.range('entry/')].map(({ key, value }) => `${key} ${value}`);
}

/** Paths of all files of snapshots, with their bytes. */
function files(): { readonly path: string; readonly bytes: Buffer }[] {
  const folder = join(root, 'blobs', 'snapshots');
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  return found.map((one) => {
    const path = join(one.parentPath, one.name);
    return { path, bytes: readFileSync(path) };
  });
}

async function write(snapshots: StoreSnapshots, store: PartitionStore, index = 3): Promise<void> {
  expect(await snapshots.take(store, partition(index))).toBeDefined();
  await snapshots.prune(store, index);
}

describe('a snapshot of a store', () => {
  it('gives an empty disk the same store as a replay, and only later records are read', async () => {
    const first = await open();
    expect(first.rolled).toEqual({ outcome: 'rebuilt', records: 300 });
    await write(snapshotsWith(), first.store);
    for (let more = 0; more < 20; more++) append(`later ${more}`);
    const restored = await open();
    expect(restored.rolled).toMatchObject({ outcome: 'rolled-forward', records: 20, entries: 100 });
    const rebuilt = await open({ snapshots: undefined });
    expect(rebuilt.rolled).toMatchObject({ outcome: 'rebuilt', records: 320 });
    expect(contentOf(restored.store)).toEqual(contentOf(rebuilt.store));
    expect(restored.store.positions).toEqual(rebuilt.store.positions);
    expect(warnings).toEqual([]);
  });

  it('consists of parts of some megabytes, whatever the size of the store', async () => {
    const { store } = await open();
    const large = Array.from({ length: 500 }, (_, at) => [`large/${at}`, Buffer.alloc(40_000, at)] as const);
    await store.write(new Map(large), new Map());
    await write(snapshotsWith(), store);
    const parts = files().filter(({ path }) => path.includes('part-'));
    expect(parts.length).toBeGreaterThan(3);
    expect(Math.max(...parts.map(({ bytes }) => bytes.length))).toBeLessThan(4_300_000);
    const restored = await open();
    const found = new Map([...restored.store.range('large/')].map(({ key, value }) => [key, value]));
    expect(found.size).toBe(large.length);
    expect(large.every(([key, value]) => found.get(key)?.equals(value))).toBe(true);
  });

  it('shows one moment of a store that is written meanwhile', async () => {
    const { store } = await open();
    let puts = 0;
    const slow: BlobStore = {
      ...blobs,
      put: async (bytes, options) => {
        puts++;
        await store.write(new Map([[`entry/key ${puts}`, Buffer.from('too late')]]), new Map([['t', 301n]]));
        return blobs.put(bytes, options);
      },
    };
    const padding = Array.from({ length: 300 }, (_, at) => [`z/${at}`, Buffer.alloc(40_000)] as const);
    await store.write(new Map(padding), new Map());
    await write(snapshotsWith({ blobs: slow }), store);
    expect(puts).toBeGreaterThan(3);
    const restored = await open();
    expect(restored.rolled).toMatchObject({ outcome: 'current', records: 0 });
    expect(contentOf(restored.store).join()).not.toContain('too late');
  });

  it('ends with its store, also while it is written', async () => {
    const { store } = await open();
    const closing: BlobStore = {
      ...blobs,
      put: async (bytes, options) => {
        await store.close();
        return blobs.put(bytes, options);
      },
    };
    await expect(snapshotsWith({ blobs: closing }).take(store, partition())).rejects.toBeDefined();
    expect(files()).toEqual([]);
  });

  it.each([
    ['a part that was altered', 'part-', (bytes: Buffer) => bytes.fill(7, 50, 60)],
    ['a part that was cut', 'part-', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['a part that is missing', 'part-', () => undefined],
    ['a manifest that was altered', 'manifest', (bytes: Buffer) => bytes.fill(7, 50, 60)],
    ['a manifest that was cut', 'manifest', (bytes: Buffer) => bytes.subarray(0, 100)],
  ])('is ignored with a warning for %s, and the topics are read', async (_, file, damage) => {
    const { store } = await open();
    await write(snapshotsWith(), store);
    for (const { path, bytes } of files().filter((one) => one.path.includes(file))) {
      const damaged = damage(bytes);
      if (damaged === undefined) rmSync(path);
      else writeFileSync(path, damaged);
    }
    const restored = await open();
    expect(restored.rolled).toEqual({ outcome: 'rebuilt', records: 300 });
    expect(contentOf(restored.store)).toEqual(contentOf(store));
    expect(warnings).toHaveLength(1);
  });

  it('is replaced by the one before where it is damaged', async () => {
    const { store } = await open();
    await write(snapshotsWith(), store);
    const [former] = files().filter(({ path }) => path.includes('part-'));
    append('later');
    await write(snapshotsWith(), (await open()).store);
    const newer = files().filter(({ path }) => path.includes('part-') && path !== former?.path);
    expect(newer).toHaveLength(1);
    for (const { path } of newer) writeFileSync(path, 'damaged');
    expect((await open()).rolled).toMatchObject({ outcome: 'rolled-forward', records: 1 });
    expect(warnings).toHaveLength(1);
  });

  it('is ignored where it is ahead of the committed offsets, or its topics were made anew', async () => {
    const { store } = await open();
    await write(snapshotsWith(), store);
    const former = log;
    log = former.slice(0, 200);
    expect((await open()).rolled).toMatchObject({ outcome: 'rebuilt', records: 200 });
    log = [...former, ...former].map((one, offset) => ({
      ...one,
      offset: BigInt(offset),
      timestamp: offset,
    }));
    expect((await open()).rolled).toMatchObject({ outcome: 'rebuilt', records: 600 });
    expect(warnings).toEqual([
      'it is ahead of the committed offsets',
      'it is of other topics with the same names',
    ]);
  });

  it('is ignored where records that follow it have expired', async () => {
    const { store } = await open();
    await write(snapshotsWith(), store);
    for (let more = 0; more < 20; more++) append('later');
    low = 310n;
    expect((await open()).rolled).toMatchObject({ outcome: 'rebuilt', records: 10 });
    expect(warnings).toEqual(['records of t that follow it have expired']);
  });

  it('is ignored by a store of another format', async () => {
    await write(snapshotsWith(), (await open()).store);
    expect((await open({ identity: 'two' })).rolled).toMatchObject({ outcome: 'rebuilt' });
    expect(warnings).toEqual(['it is of another format or layout']);
  });

  it('is not written of a store that is behind its topics', async () => {
    const { store } = await open();
    append('not yet in the store');
    const taking = snapshotsWith().take(store, partition());
    await store.write(new Map(), new Map([['t', 301n]]));
    expect(await taking).toBeDefined();
    append('never in the store');
    const waiting = snapshotsWith().take(store, partition());
    await store.close();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('may wait where the blob store is away: the topics are read, and the next attempt writes it', async () => {
    let isAway = true;
    const flaky: BlobStore = {
      ...blobs,
      put: (...given) => (isAway ? Promise.reject(new Error('away')) : blobs.put(...given)),
      list: (prefix) => {
        if (isAway) throw new Error('away');
        return blobs.list?.(prefix) ?? (async function* () {})();
      },
    };
    const snapshots = snapshotsWith({ blobs: flaky, everyMs: 20 });
    const { rolled } = await open({ snapshots });
    expect(rolled).toMatchObject({ outcome: 'rebuilt', records: 300 });
    await eventually(() => warnings.length > 3);
    isAway = false;
    const manifests = () => files().filter(({ path }) => path.includes('manifest'));
    await eventually(() => readdirSync(root).includes('blobs') && countOr(manifests) === 1);
  });
});

/** 0 while there is no folder. */
function countOr(list: () => readonly unknown[]): number {
  try {
    return list().length;
  } catch {
    return 0;
  }
}

describe('snapshots of a partition', () => {
  it('are written in the background, and only the newest stay', async () => {
    const snapshots = snapshotsWith({ everyMs: 20, maxAgeMs: 60 });
    const { store } = await open({ snapshots });
    const ids = () => new Set(files().map(({ path }) => path.split('/').at(-2)));
    await eventually(() => countOr(() => [...ids()]) === 2);
    const [oldest] = [...ids()].sort();
    await eventually(() => !ids().has(oldest ?? ''));
    expect(ids().size).toBeLessThanOrEqual(3);
    await store.close();
  });

  it('of two owners have names of their own, and each of them is whole', async () => {
    const [mine, theirs] = [(await open()).store, (await open({ snapshots: undefined })).store];
    const both = snapshotsWith({ keep: 10 });
    await Promise.all([both.take(mine, partition()), both.take(theirs, partition())]);
    append('later');
    const { store } = await open();
    await write(both, store);
    const manifests = files().filter(({ path }) => path.includes('manifest'));
    expect(manifests).toHaveLength(3);
    for (const { path } of manifests.toSorted((a, b) => (a.path < b.path ? 1 : -1))) {
      const restored = await open();
      expect(restored.rolled.snapshot).toBe(path.split('/').at(-2));
      expect(contentOf(restored.store)).toEqual(contentOf(store));
      rmSync(path);
    }
  });

  it('of other partitions are left alone, but for those that the topics have no longer', async () => {
    for (const index of [0, 3]) await write(snapshotsWith(), (await open({ index })).store, index);
    await write(snapshotsWith({ partitions: 8 }), (await open({ index: 7 })).store, 7);
    const folders = () => new Set(files().map(({ path }) => path.split('/').at(-3)));
    expect(folders()).toEqual(new Set(['000000', '000003', '000007']));
    await write(snapshotsWith({ partitions: 4 }), (await open({ index: 0 })).store, 0);
    expect(folders()).toEqual(new Set(['000000', '000003']));
  });
});

describe('an erasure', () => {
  it('is not undone by a snapshot that is older', async () => {
    append(secret, 'erased');
    const { store } = await open();
    await write(snapshotsWith(), store);
    expect(files().some(({ bytes }) => bytes.includes(secret))).toBe(true);
    append(null, 'erased');
    const restored = await open();
    expect(restored.rolled).toMatchObject({ outcome: 'rolled-forward', records: 1 });
    expect(contentOf(restored.store).join()).not.toContain(secret);
  });

  it('takes every older snapshot away with the next one, or without it', async () => {
    append(secret, 'erased');
    const { store } = await open();
    const snapshots = snapshotsWith({ keep: 10 });
    await write(snapshots, store);
    await write(snapshots, store);
    append(null, 'erased');
    const again = await open();
    await write(snapshots, again.store);
    expect(files().filter(({ path }) => path.includes('manifest'))).toHaveLength(1);
    expect(files().some(({ bytes }) => bytes.includes(secret))).toBe(false);
    append(secret, 'second');
    const third = await open();
    await write(snapshots, third.store);
    append(null, 'second');
    const fourth = await open({ snapshots: undefined });
    await snapshots.prune(fourth.store, 3);
    expect(files()).toEqual([]);
  });

  it.each([
    ['than MAX_STORE_AGE', { maxAgeMs: 50 }],
    ['than the topics keep tombstones', { tombstoneRetentionMs: async () => 50 }],
  ])('whose tombstone may be gone is not undone: no snapshot is used that is older %s', async (_, limits) => {
    append(secret, 'erased');
    const { store } = await open();
    await write(snapshotsWith(), store);
    const takenAt = Date.now();
    // The image is erased, and compaction drops the image and then its tombstone.
    log.pop();
    append('a later image', 'other');
    await eventually(() => Date.now() - takenAt > 100);
    const restored = await open({ snapshots: snapshotsWith(limits) });
    expect(restored.rolled).toEqual({ outcome: 'rebuilt', records: 301 });
    expect(contentOf(restored.store).join()).not.toContain(secret);
    expect(warnings).toEqual([expect.stringContaining('it is older than')]);
  });
});

describe('the progress of a rebuild', () => {
  it('is logged at bounded intervals, is a metric while it lasts, and counts as progress of the start', async () => {
    const lines: Record<string, unknown>[] = [];
    let steps = 0;
    const metrics = createMetrics({ processDefaults: false });
    const reports = new RebuildReports({
      role: 'join',
      metrics,
      logger: { ...logger, info: (fields: Record<string, unknown>) => lines.push(fields) } as Logger,
      progressed: () => steps++,
      everyMs: 0,
    });
    const progress = reports.open(3);
    progress.begin('replay', 400);
    progress.advanced({ records: 50, bytes: 1_000, done: 100 });
    expect(lines).toEqual([
      expect.objectContaining({
        role: 'join',
        partition: 3,
        phase: 'replay',
        percent: 25,
        records: 50,
        recordsTotal: 200,
        bytes: 1_000,
        bytesTotal: 4_000,
      }),
    ]);
    const series = 'headwater_classify_rebuild_progress_ratio{role="join",partition="3",phase="replay"} 0.25';
    expect((await metrics.render()).body).toContain(series);
    progress.end();
    progress.end();
    expect((await metrics.render()).body).not.toContain('phase="replay"');
    expect(steps).toBe(2);
  });

  it('is not logged where a rebuild takes no longer than the interval', async () => {
    const lines: unknown[] = [];
    const silent = { ...logger, info: (fields: unknown) => lines.push(fields) } as Logger;
    const metrics = createMetrics({ processDefaults: false });
    const reports = new RebuildReports({
      role: 'join',
      metrics,
      logger: silent,
      progressed: () => undefined,
    });
    const progress = reports.open(0);
    progress.begin('replay', 10);
    for (let step = 0; step < 10; step++) progress.advanced({ records: 1 });
    expect(lines).toEqual([]);
  });
});
