/**
 * The AWS SDK client. It is loaded on first use, because most processes store blobs in a folder. Credentials come from
 * the SDK's default chain (environment, shared files, web identity, container, instance).
 */
import type { S3Client } from '@aws-sdk/client-s3';

export interface S3Connection {
  /** Endpoint of an S3-compatible service; undefined for AWS or the SDK's own configuration. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** Puts the bucket into the path instead of the host name; default true where an endpoint is given. */
  readonly pathStyle?: boolean | undefined;
  /** Milliseconds of one attempt until the response starts. */
  readonly timeoutMs: number;
}

export type S3Sdk = typeof import('@aws-sdk/client-s3');

const connectMs = 3_000;
const connections = 64;
const attempts = 3;

export async function openS3(connection: S3Connection): Promise<{ sdk: S3Sdk; client: S3Client }> {
  const sdk = await import('@aws-sdk/client-s3');
  const { endpoint, region, pathStyle = endpoint !== undefined, timeoutMs } = connection;
  // S3-compatible services usually ignore the region, but the signature requires one.
  const decided = region ?? (endpoint === undefined ? undefined : 'us-east-1');
  const client = new sdk.S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(decided === undefined ? {} : { region: decided }),
    forcePathStyle: pathStyle,
    maxAttempts: attempts,
    // Not every store supports the SDK's newer checksums; this package verifies SHA-256.
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
