/**
 * `s3://bucket/key`, taken literally: no decoding and no URL parser, which would resolve `..` and so let a reference
 * mean something else to us than to the store.
 */

export interface S3Place {
  readonly bucket: string;
  /** Of the keys; empty, or with a slash at its end. */
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

/** The key of a reference that lies in this place; undefined for all others. */
export function keyWithin({ bucket, prefix }: S3Place, uri: string): string | undefined {
  const start = `s3://${bucket}/`;
  if (!uri.startsWith(start)) return undefined;
  const key = uri.slice(start.length);
  return isKey(key) && key.startsWith(prefix) && key.length > prefix.length ? key : undefined;
}

/** No segment that is empty or that a server or a proxy might resolve, no control characters. */
function isKey(key: string): boolean {
  if (Buffer.byteLength(key) > longestKey || /[\p{Cc}\\]/u.test(key)) return false;
  return key.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}
