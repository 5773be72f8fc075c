/** What the AWS SDK throws, in our codes; nowhere else are its error names known. */
import { HeadwaterError } from '@headwater/errors';
import { missing, refused, unavailable } from '../verified-bytes.ts';

interface S3Failure extends Error {
  /** Of the connection, e.g. ECONNREFUSED. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const notThere = new Set(['NoSuchKey', 'NotFound']);
const refusals = new Set(['AccessDenied', 'Forbidden', 'AllAccessDisabled']);

export const isAbsent = (thrown: unknown) => notThere.has((thrown as S3Failure).name);

export function isRefusal(thrown: unknown): boolean {
  const { name, $metadata } = thrown as S3Failure;
  return refusals.has(name) || (name === 'UnknownError' && $metadata?.httpStatusCode === 403);
}

/** Of a single object, in a bucket that we may read. */
export const asForbidden = (thrown: unknown): HeadwaterError => refused(thrown);

/**
 * All else may pass: a store that is away comes back, a policy or a credential is mended while we wait, and no record
 * is given up for it. What we say carries the store's name of the error, never its text: that may hold an access key.
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
  return unavailable(action, described, named(reason), isRefusal(thrown));
}

/** Stands for the cause in logs: the SDK's own error may carry requests and responses. */
const named = (name: string) => new Error(`the blob store answered ${name}`);

const hints: Readonly<Record<string, string>> = {
  NoSuchBucket: 'the bucket of BLOB_STORE does not exist',
  AccessDenied:
    'the policy must allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket for BLOB_STORE',
  InvalidAccessKeyId: 'the access key is not known to the store',
  SignatureDoesNotMatch: 'the secret key is wrong',
  CredentialsProviderError: 'no credentials were found where the AWS SDK looks for them',
  ExpiredToken: 'the credentials have expired',
  PermanentRedirect: 'the bucket is in another region: see BLOB_S3_REGION',
  AuthorizationHeaderMalformed: 'the bucket is in another region: see BLOB_S3_REGION',
  RequestTimeTooSkewed: 'the clock of this machine is wrong',
  TimeoutError: 'it did not answer in time',
};
