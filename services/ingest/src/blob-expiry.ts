/** Deletes expired blobs: the records that referred to them have left the log. */
import type { BlobStore } from '@headwater/blobs';
import { HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/log';
import type { Metrics } from '@headwater/service-kit';
import type { IngestConfig } from './environment.ts';

/** A sweep reads every file; ages are days. */
const SWEEP_EVERY_MS = 3_600_000;

export interface BlobExpiry {
  stop(): Promise<void>;
}

/** Errors: config-invalid, where blobs would expire before the records that refer to them. */
export function startBlobExpiry(
  config: Pick<IngestConfig, 'BLOB_MAX_AGE' | 'RETENTION_IMAGES'>,
  {
    blobs,
    logger,
    metrics,
  }: { readonly blobs: BlobStore; readonly logger: Logger; readonly metrics: Metrics },
  everyMs = SWEEP_EVERY_MS,
): BlobExpiry {
  const { BLOB_MAX_AGE: olderThan, RETENTION_IMAGES: retention } = config;
  if (olderThan < 0 || blobs.sweep === undefined) return { stop: async () => undefined };
  if (retention < 0 || olderThan < retention) {
    throw new HeadwaterError(
      'config-invalid',
      'BLOB_MAX_AGE: must be at least RETENTION_IMAGES, or images would be deleted before they are read',
    );
  }
  const expired = metrics.counter('headwater_blobs_expired_total', 'Deleted expired blobs.');
  const stopping = new AbortController();
  const sweep = async () => {
    try {
      const report = await blobs.sweep?.({ olderThan, signal: stopping.signal });
      expired.add(report?.deleted ?? 0);
      logger.info({ ...report }, 'deleted expired blobs');
    } catch (error) {
      if (!stopping.signal.aborted)
        logger.warn({ error }, 'deleting expired blobs failed; retrying in an hour');
    }
  };
  let running = sweep();
  const timer = setInterval(() => {
    running = running.then(sweep);
  }, everyMs);
  return {
    stop: () => {
      clearInterval(timer);
      stopping.abort();
      return running;
    },
  };
}
