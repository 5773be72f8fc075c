/**
 * Parses `s3://bucket/key` literally, without decoding: a URL parser would resolve `..`, so that this process and the
 * store would read a reference differently.
 */
export interface S3Place {
  readonly bucket: string;
  /** Prefix of the keys; empty, or with a final slash. */
  readonly prefix: string;
}

const bucketForm = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const longestKey = 1_024;

/** `s3://bucket` or `s3://bucket/prefix`; undefined for anything else. */
export function parseS3Place(text: string): S3Place | undefined {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(text) ?? [];
  const prefix = path.replace(/\/+$/, '');
  if (!bucketForm.test(bucket) || (prefix !== '' && !isKey(prefix))) return undefined;
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}

/** The key of a reference within this place; undefined for all others. */
export function keyWithin({ bucket, prefix }: S3Place, uri: string): string | undefined {
  const start = `s3://${bucket}/`;
  if (!uri.startsWith(start)) return undefined;
  const key = uri.slice(start.length);
  return isKey(key) && key.startsWith(prefix) && key.length > prefix.length ? key : undefined;
}

/** False for empty segments, segments that a server or proxy might resolve, and control characters. */
function isKey(key: string): boolean {
  if (Buffer.byteLength(key) > longestKey || /[\p{Cc}\\]/u.test(key)) return false;
  return key.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}
