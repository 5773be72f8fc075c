/** Variables of the blob store: location, time limits and sizes. */
import { fileURLToPath } from 'node:url';
import { parseS3Place } from '@headwater/blobs';
import { byteSize, duration, flag, httpUrl, list, text } from './variables.ts';

const place = 'a folder, a file:// URL of one, or s3://bucket/prefix';
const MiB = 1024 * 1024;

/** A folder is anything without a scheme. */
function isPlace(given: string): boolean {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(given)) return true;
  if (!given.startsWith('file:///')) return parseS3Place(given) !== undefined;
  try {
    return fileURLToPath(given) !== '';
  } catch {
    return false;
  }
}

export const blobEnvironment = {
  BLOB_STORE: text(place)
    .refine(isPlace, `expected ${place}`)
    .optional()
    .describe(
      'Store of images that are too large for a message; default <DATA_DIR>/blobs. All services must use the same store. S3 credentials come from the default chain of the AWS SDK.',
    ),
  BLOB_STORE_SHARED: flag()
    .default(false)
    .describe(
      'Declares that the folder of BLOB_STORE is on a volume that all services mount. Required where other machines can reach the service.',
    ),
  BLOB_MISSING_AFTER: duration({ min: 0, max: 86_400_000 })
    .default(10_000)
    .meta({ shownDefault: '10s' })
    .describe(
      'Time after the write of a record at which its image becomes a dead letter, if the blob is missing, or denied while others are readable. An unavailable store is awaited without limit.',
    ),
  BLOB_SOURCES: list(`${place}, several separated by commas`)
    .refine((given) => given.every(isPlace), `expected ${place}, several separated by commas`)
    .default([])
    .describe(
      'Further read-only stores for records of other producers. A reference outside of all stores becomes a dead letter.',
    ),
  BLOB_S3_ENDPOINT: httpUrl()
    .optional()
    .describe('Endpoint of an S3-compatible service, e.g. http://minio:9000.'),
  BLOB_S3_REGION: text('a region, e.g. eu-central-1')
    .optional()
    .describe('Default: that of the AWS SDK, or us-east-1 where an endpoint is set.'),
  BLOB_S3_PATH_STYLE: flag()
    .optional()
    .describe(
      'Put the bucket into the path instead of the host name; default true where an endpoint is set.',
    ),
  BLOB_TIMEOUT: duration({ min: 100, max: 600_000 })
    .default(30_000)
    .meta({ shownDefault: '30s' })
    .describe(
      'Time limit of reading or writing a blob, including retries; after it, the operation is retried later.',
    ),
  BLOB_MAX_BYTES: byteSize({ min: 1_024, max: 1_073_741_824 })
    .default(256 * MiB)
    .meta({ shownDefault: '256MiB' })
    .describe('Largest blob that is read.'),
};
