/**
 * Opens the store of a partition, of any role, and brings it to the positions that the group has committed.
 */
import { movedHeader } from '@headwater/log';
import { openPartitionStore, type PartitionStore, type PartitionStoreOptions } from './partition-store.ts';
import { noProgress } from './rebuild-progress.ts';
import { type RollForwardOptions, type RollForwardResult, rollForward, startsOver } from './roll-forward.ts';
import type { LoadedSnapshot, StoreSnapshots } from './snapshots/store-snapshots.ts';
import type { StateReader } from './state.ts';

export type RestoredStoreOptions = PartitionStoreOptions &
  Omit<RollForwardOptions, 'store'> & {
    /** Whether the stored content is still valid; otherwise the store starts over. */
    fits?(store: StateReader): boolean;
    /** Left out: a store that is lost is rebuilt from the topics alone. */
    readonly snapshots?: StoreSnapshots | undefined;
  };

export interface RestoredStore {
  readonly store: PartitionStore;
  /** `storeRemoved`: a damaged store was removed, see opening-count.ts. */
  readonly rolled: RollForwardResult & Partial<LoadedSnapshot> & { readonly storeRemoved?: true };
}

/** Errors: store-unavailable, log-unavailable, and those of `apply`; the store is then closed. */
export async function openRestoredStore(options: RestoredStoreOptions): Promise<RestoredStore> {
  const layout = await readLayout(options);
  const identity = layout === '' ? options.identity : `${options.identity} ${layout}`;
  const store = await openPartitionStore({ ...options, identity });
  try {
    if (options.fits?.(store) === false) await store.clear();
    const loaded = await loadSnapshot(store, options);
    const rolled = await rollForward({ ...options, store });
    options.snapshots?.start(store, options.partition);
    const removed = store.isRemoved ? ({ storeRemoved: true } as const) : {};
    return { store, rolled: { ...rolled, ...loaded, ...removed } };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Only where the store would start over. */
async function loadSnapshot(
  store: PartitionStore,
  { snapshots, partition, maxAgeMs, progress = noProgress, fits }: RestoredStoreOptions,
): Promise<LoadedSnapshot | undefined> {
  if (snapshots === undefined || !startsOver(partition, store, maxAgeMs)) return undefined;
  if (store.positions.size > 0) await store.clear();
  const loaded = await snapshots.load(store, partition, progress);
  if (loaded === undefined || fits?.(store) !== false) return loaded;
  await store.clear();
  return undefined;
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
