/**
 * What a backfill or an import must look up does not fit into memory: it lies in a folder of its own that goes when the
 * work ends. On disk it takes as much as the newest record of each key.
 */
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openPartitionStore, type PartitionStore } from '../store/partition-store.ts';

export interface TemporaryStore {
  readonly store: PartitionStore;
  /** Closes the store and removes it. */
  discard(): Promise<void>;
}

const prefix = 'temporary-';
/** Nobody works so long without writing to his store: whoever made it was killed. */
const abandonedMs = 24 * 60 * 60 * 1000;

/** Errors: store-unavailable. */
export async function openTemporaryStore(parent: string): Promise<TemporaryStore> {
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  const folder = await mkdtemp(join(parent, prefix));
  const remove = () => removeFolder(folder);
  try {
    const store = await openPartitionStore({ folder, identity: 'temporary', isTemporary: true });
    return { store, discard: () => store.close().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Vectors and labels are nothing to leave lying about: what a killed process could not remove goes with the next one. */
async function removeAbandoned(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  for (const folder of names.map((name) => join(parent, name))) {
    if ((await lastWritten(folder)) < Date.now() - abandonedMs) await removeFolder(folder);
  }
}

/** Milliseconds since the epoch; now for a folder that somebody removes at this moment. */
async function lastWritten(folder: string): Promise<number> {
  try {
    const names = [folder, ...(await readdir(folder)).map((name) => join(folder, name))];
    const times = await Promise.all(names.map(async (name) => (await stat(name)).mtimeMs));
    return Math.max(...times);
  } catch {
    return Date.now();
  }
}

function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
