/** Opens the blob store of the configuration, with its read-only sources. */
import { join, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  type BlobStore,
  createFolderBlobStore,
  createS3BlobStore,
  keyWithin,
  type Place,
  parseS3Place,
  withBounds,
  withReadOnlySources,
} from '@headwater/blobs';
import { HeadwaterError } from '@headwater/errors';
import type { CommonConfig } from '../configuration/common-environment.ts';
import { isLoopback } from '../configuration/loopback.ts';

type BlobConfig = Pick<
  CommonConfig,
  | 'DATA_DIR'
  | 'BLOB_STORE'
  | 'BLOB_SOURCES'
  | 'BLOB_S3_ENDPOINT'
  | 'BLOB_S3_REGION'
  | 'BLOB_S3_PATH_STYLE'
  | 'BLOB_TIMEOUT'
  | 'BLOB_MAX_BYTES'
>;

/**
 * A local folder would accept images that processes on other machines cannot read. Errors: config-invalid, where
 * other machines can reach one of `addresses` and the folder is not declared to be shared.
 */
export function checkBlobStoreShared(
  config: Pick<CommonConfig, 'DATA_DIR' | 'BLOB_STORE' | 'BLOB_STORE_SHARED'>,
  addresses: readonly string[],
): void {
  const place = config.BLOB_STORE ?? join(config.DATA_DIR, 'blobs');
  const reached = addresses.find((address) => !isLoopback(address));
  if (reached === undefined || config.BLOB_STORE_SHARED || parseS3Place(place) !== undefined) return;
  throw new HeadwaterError(
    'config-invalid',
    `BLOB_STORE: other machines can reach ${reached}, but the folder ${place} may be local; set BLOB_STORE to s3://bucket/prefix, or to a folder on a volume that all services mount with BLOB_STORE_SHARED=true`,
  );
}

export function openBlobs(config: BlobConfig): BlobStore {
  const own = openPlace(config.BLOB_STORE ?? join(config.DATA_DIR, 'blobs'), config);
  return withReadOnlySources(
    own,
    config.BLOB_SOURCES.map((place) => openPlace(place, config)),
  );
}

function openPlace(given: string, config: BlobConfig): Place {
  const bounds = { timeoutMs: config.BLOB_TIMEOUT, maxBytes: config.BLOB_MAX_BYTES };
  const place = parseS3Place(given);
  if (place === undefined) {
    const root = resolve(given.startsWith('file://') ? fileURLToPath(given) : given);
    const start = pathToFileURL(root + sep).href;
    // A preliminary check: the store itself resolves all links of a path.
    const holds = (uri: string) => uri.startsWith(start);
    return { holds, store: withBounds(createFolderBlobStore({ root }), bounds) };
  }
  const store = createS3BlobStore({
    place,
    endpoint: config.BLOB_S3_ENDPOINT,
    region: config.BLOB_S3_REGION,
    pathStyle: config.BLOB_S3_PATH_STYLE,
    // Leaves time for a retry within the limit of the whole call.
    timeoutMs: Math.ceil(config.BLOB_TIMEOUT / 3),
  });
  return { holds: (uri) => keyWithin(place, uri) !== undefined, store: withBounds(store, bounds) };
}
