/** Every partition begins alike, whatever it keeps: its store is opened, and brought to the positions that the group has committed. */
import { movedHeader } from '@headwater/log';
import { openPartitionStore, type PartitionStore, type PartitionStoreOptions } from './partition-store.ts';
import { type RollForwardOptions, type RollForwardResult, rollForward } from './roll-forward.ts';
import type { StateReader } from './state.ts';

export type RestoredStoreOptions = PartitionStoreOptions &
  Omit<RollForwardOptions, 'store'> & {
    /** Whether what the store keeps is still what is to be kept; otherwise it starts over. */
    fits?(store: StateReader): boolean;
  };

export interface RestoredStore {
  readonly store: PartitionStore;
  readonly rolled: RollForwardResult;
}

/** Errors: store-unavailable, log-unavailable, and those of `apply`; the store is closed then. */
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
 * Which change of partitions the records of the partition come of; empty where there was none. Offsets begin anew with each, so that a store
 * of before would otherwise be taken for one that is behind.
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
