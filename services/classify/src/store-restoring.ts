/** How the roles join and train restore the stores of their partitions: snapshots, and the progress that is reported. */
import { parseS3Place } from '@headwater/blobs';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Log } from '@headwater/log';
import type { ServiceDependencies } from '@headwater/service-kit';
import type { ClassifyConfig } from './environment.ts';
import { earliestOffset, endOffset } from './partition-group-options.ts';
import { type RebuildProgress, RebuildReports } from './store/rebuild-progress.ts';
import { StoreSnapshots } from './store/snapshots/store-snapshots.ts';

export interface StoreRestoring {
  readonly snapshots: StoreSnapshots | undefined;
  progress(partition: number): RebuildProgress;
}

interface RoleStores {
  readonly role: 'join' | 'train';
  readonly group: string;
  readonly partitions: number;
}

/** Errors: config-invalid. */
export function openStoreRestoring(
  config: ClassifyConfig,
  { log, blobs, metrics, logger, health }: ServiceDependencies,
  { role, group, partitions }: RoleStores,
): StoreRestoring {
  const reports = new RebuildReports({ role, metrics, logger, progressed: () => health.progressed() });
  const everyMs = snapshotInterval(config);
  const snapshots =
    everyMs === undefined
      ? undefined
      : new StoreSnapshots({
          role,
          group,
          partitions,
          blobs,
          everyMs,
          maxAgeMs: config.MAX_STORE_AGE,
          tombstoneRetentionMs: (topics) => tombstoneRetention(log, topics),
          earliest: (topic, partition) => earliestOffset(log, topic, partition),
          end: (topic, partition) => endOffset(log, topic, partition),
          logger,
        });
  return { snapshots, progress: (partition) => reports.open(partition) };
}

const dayMs = 86_400_000;

/**
 * Milliseconds; undefined for none. By default only where the blob store is shared: a folder on the disk of the process is
 * lost with the stores. Errors: config-invalid.
 */
export function snapshotInterval(
  config: Pick<ClassifyConfig, 'STORE_SNAPSHOTS' | 'MAX_STORE_AGE' | 'BLOB_STORE' | 'BLOB_STORE_SHARED'>,
): number | undefined {
  const { STORE_SNAPSHOTS: asked, MAX_STORE_AGE: maxAge, BLOB_STORE: place } = config;
  const longest = maxAge / 2;
  if (asked === undefined) {
    const isShared = config.BLOB_STORE_SHARED || (place !== undefined && parseS3Place(place) !== undefined);
    return isShared ? Math.min(dayMs, longest) : undefined;
  }
  if (asked === 'off') return undefined;
  if (asked <= longest) return asked;
  throw new HeadwaterError(
    'config-invalid',
    'STORE_SNAPSHOTS: must be at most half of MAX_STORE_AGE, since older snapshots are not used; set a shorter interval or off',
  );
}

/** Kafka's default of delete.retention.ms. */
const defaultRetentionMs = dayMs;

/** How long compacted topics keep tombstones at least; undefined where their settings cannot be read. */
export async function tombstoneRetention(log: Log, topics: readonly string[]): Promise<number | undefined> {
  let shortest: number | undefined;
  for (const topic of topics) {
    const settings = await settingsOf(log, topic);
    if (settings['cleanup.policy']?.includes('compact') !== true) continue;
    const own = Number(settings['delete.retention.ms'] ?? defaultRetentionMs);
    shortest = Math.min(shortest ?? own, own);
  }
  return shortest;
}

/** Empty where this process may not read them: MAX_STORE_AGE decides alone then. */
async function settingsOf(log: Log, topic: string): Promise<Readonly<Record<string, string>>> {
  try {
    return (await log.admin.describe(topic))?.settings ?? {};
  } catch (error) {
    if (asHeadwaterError(error).code === 'log-forbidden') return {};
    throw error;
  }
}
