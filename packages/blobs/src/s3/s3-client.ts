/**
 * The AWS SDK as this store uses it. It is loaded when it is first needed: most processes keep their blobs in a folder.
 * Credentials come from the SDK's own chain (environment, shared files, web identity, container, instance); they are
 * never ours to see.
 */
import type { S3Client } from '@aws-sdk/client-s3';

export interface S3Connection {
  /** Any service that speaks S3; undefined: AWS, or what the SDK's own configuration says. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** The bucket in the path instead of the host name; default true where an endpoint is given. */
  readonly pathStyle?: boolean | undefined;
  /** Of one attempt until its answer begins, in milliseconds. */
  readonly timeoutMs: number;
}

export type S3Sdk = typeof import('@aws-sdk/client-s3');

const connectMs = 3_000;
const connections = 64;
const attempts = 3;

export async function openS3(connection: S3Connection): Promise<{ sdk: S3Sdk; client: S3Client }> {
  const sdk = await import('@aws-sdk/client-s3');
  const { endpoint, region, pathStyle = endpoint !== undefined, timeoutMs } = connection;
  // What stands behind an endpoint of one's own seldom cares for the region, but a signature needs one.
  const decided = region ?? (endpoint === undefined ? undefined : 'us-east-1');
  const client = new sdk.S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(decided === undefined ? {} : { region: decided }),
    forcePathStyle: pathStyle,
    maxAttempts: attempts,
    // SHA-256 is checked here in any case, and not every store knows the SDK's newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: Math.min(connectMs, timeoutMs),
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: connections },
      httpsAgent: { keepAlive: true, maxSockets: connections },
    },
  });
  return { sdk, client };
}
