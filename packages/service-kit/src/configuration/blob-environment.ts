/** The variables of the claim check: where large images lie, who answers for them, how long and how much. */
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
      'Where images lie that are too large for a message; default <DATA_DIR>/blobs. All services must see the same. Credentials for S3 are found as the AWS SDK finds them.',
    ),
  BLOB_STORE_SHARED: flag()
    .default(false)
    .describe(
      'The folder of BLOB_STORE is the same for all services, on a volume that all of them mount. Needed where other machines reach the service.',
    ),
  BLOB_MISSING_AFTER: duration({ min: 0, max: 86_400_000 })
    .default(10_000)
    .meta({ shownDefault: '10s' })
    .describe(
      'An image whose blob the store does not have, or refuses while it returns others, is a dead letter so long after its record was written. A store that is away is waited for as long as it takes.',
    ),
  BLOB_SOURCES: list(`${place}, several separated by commas`)
    .refine((given) => given.every(isPlace), `expected ${place}, several separated by commas`)
    .default([])
    .describe(
      'Further places that records of other producers may refer to; they are only read. A reference to any other place is a dead letter.',
    ),
  BLOB_S3_ENDPOINT: httpUrl()
    .optional()
    .describe('A service other than AWS that speaks S3, e.g. http://minio:9000.'),
  BLOB_S3_REGION: text('a region, e.g. eu-central-1')
    .optional()
    .describe('Default: what the AWS SDK finds, or us-east-1 where an endpoint is set.'),
  BLOB_S3_PATH_STYLE: flag()
    .optional()
    .describe(
      'The bucket stands in the path instead of the host name; default true where an endpoint is set.',
    ),
  BLOB_TIMEOUT: duration({ min: 100, max: 600_000 })
    .default(30_000)
    .meta({ shownDefault: '30s' })
    .describe(
      'How long a blob may take to be read or written, repetitions included; then it is tried again later.',
    ),
  BLOB_MAX_BYTES: byteSize({ min: 1_024, max: 1_073_741_824 })
    .default(256 * MiB)
    .meta({ shownDefault: '256MiB' })
    .describe('Larger blobs are not read, whatever a record says.'),
};
