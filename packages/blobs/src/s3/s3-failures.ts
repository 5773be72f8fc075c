/** Maps errors of the AWS SDK to Headwater's error codes. Only this file uses the SDK's error names. */
import { HeadwaterError } from '@headwater/errors';
import { missing, refused, unavailable } from '../verified-bytes.ts';

interface S3Failure extends Error {
  /** Error code of the connection, e.g. ECONNREFUSED. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const notThere = new Set(['NoSuchKey', 'NotFound']);
const accessDenials = new Set(['AccessDenied', 'Forbidden', 'AllAccessDisabled']);

export const isAbsent = (thrown: unknown) => notThere.has((thrown as S3Failure).name);

export function isAccessDenied(thrown: unknown): boolean {
  const { name, $metadata } = thrown as S3Failure;
  return accessDenials.has(name) || (name === 'UnknownError' && $metadata?.httpStatusCode === 403);
}

/** Error of a single object in a readable bucket. */
export const asForbidden = (thrown: unknown): HeadwaterError => refused(thrown);

/**
 * All other errors are temporary: the store becomes available again, or the operator fixes policy or credentials. The
 * message contains the store's error name but not its text, which may contain an access key.
 */
export function asBlobError(thrown: unknown, action: string): unknown {
  if (thrown instanceof HeadwaterError) return thrown;
  const { name, code, $metadata } = thrown as S3Failure;
  if (isAbsent(thrown)) return missing(named(name));
  const status = $metadata?.httpStatusCode;
  const reason = name === 'Error' || name === undefined ? (code ?? 'unknown') : name;
  const hint = hints[reason] ?? (status === 403 ? hints.AccessDenied : undefined);
  const words = [reason, status === undefined ? undefined : `HTTP ${status}`].filter(Boolean).join(', ');
  const described = hint === undefined ? words : `${words} (${hint})`;
  return unavailable(action, described, named(reason), isAccessDenied(thrown));
}

/** Replaces the cause in logs: the SDK's own error may contain requests and responses. */
const named = (name: string) => new Error(`the blob store returned ${name}`);

const hints: Readonly<Record<string, string>> = {
  NoSuchBucket: 'the bucket of BLOB_STORE does not exist',
  AccessDenied:
    'the policy must allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket for BLOB_STORE',
  InvalidAccessKeyId: 'the store does not know the access key',
  SignatureDoesNotMatch: 'the secret key is wrong',
  CredentialsProviderError: 'the AWS SDK found no credentials',
  ExpiredToken: 'the credentials have expired',
  PermanentRedirect: 'the bucket is in another region: see BLOB_S3_REGION',
  AuthorizationHeaderMalformed: 'the bucket is in another region: see BLOB_S3_REGION',
  RequestTimeTooSkewed: 'the clock of this machine is wrong',
  TimeoutError: 'the store did not respond in time',
};
