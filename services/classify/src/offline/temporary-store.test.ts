import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTemporaryStore } from './temporary-store.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'headwater-backfill-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

function leave(name: string, hoursAgo: number): void {
  const folder = join(parent, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'data.mdb'), 'vectors');
  const time = new Date(Date.now() - hoursAgo * 3_600_000);
  for (const path of [join(folder, 'data.mdb'), folder]) utimesSync(path, time, time);
}

it('removes folders of killed processes, and no others', async () => {
  leave('temporary-killed', 30);
  leave('temporary-busy', 2);
  leave('mine', 1_000);
  const { discard } = await openTemporaryStore(parent);
  expect(readdirSync(parent)).toHaveLength(3);
  await discard();
  expect(readdirSync(parent).sort()).toEqual(['mine', 'temporary-busy']);
});
