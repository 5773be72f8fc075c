/** Opens the trainer of a partition: its store, its training sets and the newest heads. */
import type { AssignedPartition, PartitionProcessor } from '@headwater/log';
import { noProgress, type RebuildProgress } from '../store/rebuild-progress.ts';
import { openRestoredStore } from '../store/restored-store.ts';
import { ExampleReader } from './examples/example-reader.ts';
import { areAtPositions } from './examples/retained-sets.ts';
import { hasWindows } from './examples/trainer-state.ts';
import { TrainingSets } from './examples/training-sets.ts';
import { HeadPublisher } from './publishing/head-publisher.ts';
import { LearnedTraces } from './publishing/learned-traces.ts';
import { TrainProcessor, type TrainProcessorOptions } from './train-processor.ts';

/** Part of the store's identity: a store of another format is rebuilt. */
const formatVersion = 4;

/**
 * Opens the partition's store, brings it to the committed positions, and loads its sets. Errors:
 * store-unavailable.
 */
export async function openTrainProcessor(
  options: TrainProcessorOptions,
  partition: AssignedPartition,
): Promise<PartitionProcessor> {
  const progress = options.restoring?.progress(partition.index) ?? noProgress;
  return openWithProgress(options, partition, progress).finally(() => progress.end());
}

async function openWithProgress(
  options: TrainProcessorOptions,
  partition: AssignedPartition,
  progress: RebuildProgress,
): Promise<PartitionProcessor> {
  const began = performance.now();
  const reader = new ExampleReader({ ...options, partition: partition.index });
  const { store, kept, rolled } = await openStore(options, partition, { reader, progress });
  try {
    const sets = kept ?? (await TrainingSets.load(store, options.settingsOf, progress));
    await options.follower.catchUp();
    const traces = new LearnedTraces();
    const publisher = new HeadPublisher({ ...options, traces });
    await publisher.open(sets.all(), store);
    const milliseconds = Math.round(performance.now() - began);
    const fields = { ...rolled, setsRetained: kept !== undefined, milliseconds };
    options.logger.info({ role: 'train', partition: partition.index, ...fields }, 'partition opened');
    options.stores?.opened(partition.index, store);
    options.openTrainingSets?.opened(partition.index, { store, sets });
    return new TrainProcessor(options, partition, { store, sets, reader, publisher, traces });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Identity of the stores of the trainer; see `PartitionStoreOptions`. */
export function trainIdentity({
  group,
  partitions,
}: Pick<TrainProcessorOptions, 'group' | 'partitions'>): string {
  return JSON.stringify(['train', formatVersion, group, partitions]);
}

/** Uses the retained sets of the partition where they match the store. */
async function openStore(
  options: TrainProcessorOptions,
  partition: AssignedPartition,
  { reader, progress }: { readonly reader: ExampleReader; readonly progress: RebuildProgress },
) {
  const { settingsOf } = options;
  let kept = options.retainedSets?.take(partition.index);
  const { store, rolled } = await openRestoredStore({
    folder: `${options.folder}/${partition.index}`,
    identity: trainIdentity(options),
    fits: (reader) => hasWindows(reader, settingsOf),
    partition,
    progress,
    snapshots: options.restoring?.snapshots,
    begin: (from) => {
      if (kept !== undefined && !areAtPositions(kept, from)) kept = undefined;
    },
    apply: async (records, draft) => {
      for (const change of await reader.replay(records, draft)) kept?.sets.apply(change);
    },
    earliest: (topic) => options.earliest(topic, partition.index),
    maxAgeMs: options.storeMaxAgeMs,
  });
  return { store, rolled, kept: kept?.sets.agreeWith(store) ? kept.sets : undefined };
}
