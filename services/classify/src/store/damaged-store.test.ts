import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPartitionStore } from './partition-store.ts';

const identity = 'test';

async function fill(folder: string): Promise<void> {
  const store = await openPartitionStore({ folder, identity });
  const changes = Array.from({ length: 5_000 }, (_, entry) => [`k${entry}`, Buffer.alloc(200)] as const);
  await store.write(new Map(changes), new Map([['topic', 7n]]));
  await store.close();
}

/** Opens and reads the store as a process of its own, which may crash. */
function openInProcess(folder: string) {
  const module = new URL('../../dist/store/partition-store.js', import.meta.url).href;
  const script = `
    const { openPartitionStore } = await import(${JSON.stringify(module)});
    const store = await openPartitionStore({ folder: ${JSON.stringify(folder)}, identity: '${identity}' });
    console.log(JSON.stringify({ entries: [...store.range('k')].length, isRemoved: store.isRemoved }));
    await store.close();`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script]);
  return status === 0 ? JSON.parse(stdout.toString()) : 'crashed';
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headwater-damaged-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('a truncated store', () => {
  it('is removed after it has crashed three processes, and the next one starts over', async () => {
    const folder = newFolder();
    await fill(folder);
    truncateSync(join(folder, 'data.mdb'), Math.floor(statSync(join(folder, 'data.mdb')).size / 8));
    expect([1, 2, 3].map(() => openInProcess(folder))).toEqual(['crashed', 'crashed', 'crashed']);
    expect(openInProcess(folder)).toEqual({ entries: 0, isRemoved: true });
  });
});

describe('a sound store', () => {
  it('is kept, however often it is opened and closed', async () => {
    const folder = newFolder();
    await fill(folder);
    for (let opening = 0; opening < 5; opening += 1) {
      const store = await openPartitionStore({ folder, identity });
      expect([store.positions.get('topic'), store.isRemoved]).toEqual([7n, false]);
      await store.close();
    }
  });
});
