/**
 * What a backfill or an import must look up does not fit into memory: it lies in a folder of its own that goes when the
 * work ends. On disk it takes as much as the newest record of each key.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type LaneStore, openLaneStore } from '../store/lane-store.ts';

export interface TemporaryStore {
  readonly store: LaneStore;
  /** Closes the store and removes it. */
  discard(): Promise<void>;
}

/** Errors: store-unavailable. */
export async function openTemporaryStore(parent: string): Promise<TemporaryStore> {
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'temporary-'));
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    const store = await openLaneStore({ folder, identity: 'temporary' });
    return { store, discard: () => store.close().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
