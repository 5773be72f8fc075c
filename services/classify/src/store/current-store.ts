/** Every lane begins alike, whatever it keeps: its store is opened, and brought to the positions that the group has committed. */
import { type LaneStore, type LaneStoreOptions, openLaneStore } from './lane-store.ts';
import { type RollForwardOptions, type RollForwardResult, rollForward } from './roll-forward.ts';
import type { StateReader } from './state.ts';

export type CurrentStoreOptions = LaneStoreOptions &
  Omit<RollForwardOptions, 'store'> & {
    /** Whether what the store keeps is still what is to be kept; otherwise it starts over. */
    fits?(store: StateReader): boolean;
  };

export interface CurrentStore {
  readonly store: LaneStore;
  readonly rolled: RollForwardResult;
}

/** Errors: store-unavailable, log-unavailable, and those of `apply`; the store is closed then. */
export async function openCurrentStore(options: CurrentStoreOptions): Promise<CurrentStore> {
  const store = await openLaneStore(options);
  try {
    if (options.fits?.(store) === false) await store.clear();
    return { store, rolled: await rollForward({ ...options, store }) };
  } catch (error) {
    await store.close();
    throw error;
  }
}
