/**
 * Opens the store of a partition, of any role, and brings it to the positions that the group has committed.
 */
import { movedHeader } from '@headwater/log';
import { openPartitionStore, type PartitionStore, type PartitionStoreOptions } from './partition-store.ts';
import { type RollForwardOptions, type RollForwardResult, rollForward } from './roll-forward.ts';
import type { StateReader } from './state.ts';

export type RestoredStoreOptions = PartitionStoreOptions &
  Omit<RollForwardOptions, 'store'> & {
    /** Whether the stored content is still valid; otherwise the store starts over. */
    fits?(store: StateReader): boolean;
  };

export interface RestoredStore {
  readonly store: PartitionStore;
  readonly rolled: RollForwardResult;
}

/** Errors: store-unavailable, log-unavailable, and those of `apply`; the store is then closed. */
export async function openRestoredStore(options: RestoredStoreOptions): Promise<RestoredStore> {
  const layout = await readLayout(options);
  const identity = layout === '' ? options.identity : `${options.identity} ${layout}`;
  const store = await openPartitionStore({ ...options, identity });
  try {
    if (options.fits?.(store) === false) await store.clear();
    return { store, rolled: await rollForward({ ...options, store }) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * Identifies the last repartitioning of the partition's records; empty without one. Offsets start anew with
 * each, so an older store would otherwise look like one that is behind.
 */
async function readLayout({ partition, earliest }: RestoredStoreOptions): Promise<string> {
  const runs: string[] = [];
  for (const topic of partition.topics) {
    const from = await earliest(topic);
    const to = partition.positions.get(topic) ?? from;
    for await (const [first] of partition.replay({ topic, from, to })) {
      const moved = first?.headers[movedHeader]?.toString('utf8');
      if (moved !== undefined) runs.push(`${topic} ${moved.split('/')[0]}`);
      break;
    }
  }
  return runs.join(' ');
}
