import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openPartitionStore } from './partition-store.ts';
import { StoredPartitions } from './stored-partitions.ts';

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-stores-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function writeStore(folder: string, positions: Readonly<Record<string, bigint>>, identity = 'join 1') {
  const store = await openPartitionStore({ folder, identity });
  await store.write(new Map([['a', Buffer.from('x')]]), new Map(Object.entries(positions)));
  return store;
}

const day = 86_400_000;

it('claims the stores that a former process has left', async () => {
  const folder = createFolder();
  await (await writeStore(join(folder, '0'), { labels: 3n, vectors: 4n })).close();
  await (await writeStore(join(folder, '12'), { labels: 1n })).close();
  await (await writeStore(join(folder, '3'), { labels: 1n }, 'another')).close();
  mkdirSync(join(folder, '4'));
  mkdirSync(join(folder, '5'));
  writeFileSync(join(folder, '5', 'data.mdb'), 'not a store');
  writeFileSync(join(folder, '5', 'header.json'), '{"identity":"join"');
  await (await writeStore(join(folder, '6'), { labels: 1n })).close();
  rmSync(join(folder, '6', 'data.mdb'));
  await (await writeStore(join(folder, '8'), { labels: 2n })).clear();
  writeFileSync(join(folder, 'note'), '');
  const stores = StoredPartitions.read({ folder, identity: 'join', maxAgeMs: day });
  expect(stores.claims()).toEqual(
    new Map([
      [0, 7n],
      [12, 1n],
    ]),
  );
  const old = StoredPartitions.read({ folder, identity: 'join', maxAgeMs: -day });
  expect(old.claims()).toEqual(new Map());
});

it('claims the store of a process that was killed', async () => {
  const folder = createFolder();
  const store = await writeStore(join(folder, '0'), { labels: 3n });
  onTestFinished(() => store.close());
  expect(StoredPartitions.read({ folder, identity: 'join', maxAgeMs: day }).claims()).toEqual(
    new Map([[0, 3n]]),
  );
});

it('claims what its process has opened since, as it is now', async () => {
  const folder = createFolder();
  const stores = StoredPartitions.read({
    folder: join(folder, 'missing'),
    identity: 'join',
    maxAgeMs: day,
  });
  expect(stores.claims()).toEqual(new Map());
  const store = await writeStore(join(folder, '7'), { labels: 1n });
  stores.opened(7, store);
  await store.write(new Map(), new Map([['labels', 9n]]));
  expect(stores.claims()).toEqual(new Map([[7, 9n]]));
  await store.close();
  expect(stores.claims()).toEqual(new Map([[7, 9n]]));
});
