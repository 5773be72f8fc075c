/**
 * Temporary store of a backfill or an import for data larger than memory, in its own folder, which is removed
 * at the end. It takes as much disk as the newest record of each key.
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
/** A store without writes for this long belongs to a killed process. */
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

/** Removes folders of killed processes, since vectors and labels must not stay. */
async function removeAbandoned(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  for (const folder of names.map((name) => join(parent, name))) {
    if ((await lastWritten(folder)) < Date.now() - abandonedMs) await removeFolder(folder);
  }
}

/** Milliseconds since the epoch; now for a folder that is being removed. */
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
