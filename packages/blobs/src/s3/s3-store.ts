/**
 * The blob store on S3 or a compatible service. A key contains the SHA-256 of its bytes, so puts are idempotent, and
 * S3 writes objects atomically. References are untrusted: only keys below the own prefix are requested, and bytes are
 * verified while they are read.
 */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ListObjectsV2CommandOutput, S3Client } from '@aws-sdk/client-s3';
import { HeadwaterError } from '@headwater/errors';
import type { BlobStore, NamedBlob, PutOptions, StoredBlob, SweepOptions, SweepReport } from '../api.ts';
import {
  blobPath,
  expiringFolder,
  isSha256,
  namedPath,
  ownedPrefix,
  parseNamedPath,
  sha256Of,
} from '../blob-path.ts';
import { checkLength, forbidden, readVerified, unavailable } from '../verified-bytes.ts';
import { openS3, type S3Connection, type S3Sdk } from './s3-client.ts';
import { asBlobError, asForbidden, isAbsent, isAccessDenied } from './s3-failures.ts';
import { keyWithin, type S3Place } from './s3-uri.ts';

interface S3BlobStoreOptions extends S3Connection {
  readonly place: S3Place;
}

interface Opened {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
}

/** A put of an existing blob writes it again after this age, so that blobs expire by their last use. */
const renewAfterMs = 86_400_000;
/** Attempts of an interrupted download, which the SDK does not retry. */
const readAttempts = 3;
const readPauseMs = 100;

export function createS3BlobStore(options: S3BlobStoreOptions): BlobStore {
  const { place } = options;
  let opening: Promise<Opened> | undefined;
  const guarded = async <T>(action: string, work: (opened: Opened) => Promise<T>): Promise<T> => {
    opening ??= openS3(options);
    try {
      return await work(await opening);
    } catch (thrown) {
      throw asBlobError(thrown, action);
    }
  };
  const uriOf = (key: string) => `s3://${place.bucket}/${key}`;
  const keyOf = (uri: string) => {
    const key = keyWithin(place, uri);
    if (key === undefined) throw forbidden();
    return key;
  };
  return {
    kind: 's3',
    put: (bytes, putting: PutOptions = {}) =>
      guarded('write', async (opened) => {
        const sha256 = sha256Of(bytes);
        const key = `${place.prefix}${blobPath(sha256, putting)}`;
        if (!(await isFresh(opened, place.bucket, key, bytes.byteLength))) {
          await write(opened, place.bucket, key, bytes, sha256);
        }
        return { uri: uriOf(key), byteLength: bytes.byteLength, sha256 };
      }),
    get: (blob, signal) =>
      guarded('read', (opened) => {
        const key = keyOf(blob.uri);
        return read(opened, place.bucket, key, blob, signal);
      }),
    delete: (uri) =>
      guarded('delete', async ({ sdk, client }) => {
        const key = keyOf(uri);
        await client.send(new sdk.DeleteObjectCommand({ Bucket: place.bucket, Key: key }));
      }),
    deleteOwned: (owner, before) => guarded('delete', (opened) => deleteOwned(opened, place, owner, before)),
    list: (prefix) => listNamed(guarded, place, prefix, uriOf),
    sweep: (sweeping) => guarded('sweep', (opened) => sweep(opened, place, sweeping)),
  };
}

async function isFresh(
  { sdk, client }: Opened,
  Bucket: string,
  Key: string,
  length: number,
): Promise<boolean> {
  try {
    const found = await client.send(new sdk.HeadObjectCommand({ Bucket, Key }));
    const age = Date.now() - (found.LastModified?.getTime() ?? 0);
    return found.ContentLength === length && age < renewAfterMs;
  } catch (thrown) {
    // Without read permission, write the object.
    if (isAbsent(thrown) || isAccessDenied(thrown)) return false;
    throw thrown;
  }
}

async function write(
  { sdk, client }: Opened,
  Bucket: string,
  Key: string,
  bytes: Uint8Array,
  sha256: string,
) {
  const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64');
  const ContentType = 'application/octet-stream';
  await client.send(
    new sdk.PutObjectCommand({
      Bucket,
      Key,
      Body: bytes,
      ContentType,
      ContentLength: bytes.byteLength,
      ChecksumSHA256,
    }),
  );
}

async function read(opened: Opened, bucket: string, key: string, blob: StoredBlob, signal?: AbortSignal) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOnce(opened, bucket, key, blob, signal);
    } catch (thrown) {
      signal?.throwIfAborted();
      if (isAccessDenied(thrown)) throw await explainAccessDenied(opened, bucket, thrown);
      const isBroken =
        !(thrown instanceof HeadwaterError) && (thrown as { $metadata?: object }).$metadata === undefined;
      if (!isBroken || attempt >= readAttempts) throw thrown;
      await sleep(readPauseMs * attempt, undefined, signal === undefined ? {} : { signal });
    }
  }
}

async function readOnce(
  { sdk, client }: Opened,
  Bucket: string,
  Key: string,
  blob: StoredBlob,
  abortSignal?: AbortSignal,
): Promise<Buffer> {
  const command = new sdk.GetObjectCommand({ Bucket, Key });
  const { Body, ContentLength } = await client.send(
    command,
    abortSignal === undefined ? {} : { abortSignal },
  );
  const body = Body as Readable | undefined;
  if (body === undefined) throw unavailable('read', 'the response has no body');
  // Errors after the end of reading are irrelevant, but must not be unhandled.
  body.on('error', () => undefined);
  const stop = () => body.destroy();
  abortSignal?.addEventListener('abort', stop, { once: true });
  try {
    checkLength(ContentLength, blob);
    return await readVerified(body, blob);
  } finally {
    abortSignal?.removeEventListener('abort', stop);
    body.destroy();
  }
}

/** A denied object in an accessible bucket is a fault of the reference; a denied bucket one of the credentials. */
async function explainAccessDenied(
  { sdk, client }: Opened,
  Bucket: string,
  thrown: unknown,
): Promise<unknown> {
  return client.send(new sdk.HeadBucketCommand({ Bucket })).then(
    () => asForbidden(thrown),
    () => thrown,
  );
}

async function deleteOwned(
  { sdk, client }: Opened,
  { bucket: Bucket, prefix }: S3Place,
  owner: string,
  before = Number.POSITIVE_INFINITY,
): Promise<void> {
  const prefixes = [ownedPrefix(owner), ...(isSha256(owner) ? [blobPath(owner)] : [])];
  for (const path of prefixes) {
    // An image has few blobs, one for each version of its bytes; further pages are read in the next iteration.
    for (let more = true; more; ) {
      const page = await client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix: `${prefix}${path}` }));
      const old = (page.Contents ?? []).filter(({ LastModified }) => (LastModified?.getTime() ?? 0) < before);
      for (const { Key } of old) await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }));
      more = page.IsTruncated === true && old.length > 0;
    }
  }
}

/** Page by page, since the list may not fit into memory. */
async function* listNamed(
  guarded: <T>(action: string, work: (opened: Opened) => Promise<T>) => Promise<T>,
  { bucket, prefix }: S3Place,
  names: string,
  uriOf: (key: string) => string,
): AsyncGenerator<NamedBlob> {
  const Prefix = `${prefix}${namedPath(names)}`;
  let next: string | undefined;
  do {
    const from = next === undefined ? {} : { ContinuationToken: next };
    const page: ListObjectsV2CommandOutput = await guarded('list', ({ sdk, client }) =>
      client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix, ...from })),
    );
    for (const { Key = '', Size = 0 } of page.Contents ?? []) {
      const found = parseNamedPath(Key.slice(prefix.length));
      if (found !== undefined) yield { ...found, uri: uriOf(Key), byteLength: Size };
    }
    next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (next !== undefined);
}

/** Iterates over pages, since a bucket may not fit into memory. */
async function sweep(
  { sdk, client }: Opened,
  { bucket, prefix }: S3Place,
  options: SweepOptions,
): Promise<SweepReport> {
  const { olderThan, dryRun = false, signal } = options;
  const abort = signal === undefined ? {} : { abortSignal: signal };
  const report = { seen: 0, deleted: 0, bytes: 0 };
  let next: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await client.send(
      new sdk.ListObjectsV2Command({
        Bucket: bucket,
        Prefix: `${prefix}${expiringFolder}/`,
        ...(next === undefined ? {} : { ContinuationToken: next }),
      }),
      abort,
    );
    for (const { Key, LastModified, Size = 0 } of page.Contents ?? []) {
      report.seen += 1;
      if (Key === undefined || !isOld(LastModified, olderThan)) continue;
      if (!dryRun && !(await expire({ sdk, client }, bucket, Key, olderThan, abort))) continue;
      report.deleted += 1;
      report.bytes += Size;
    }
    next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (next !== undefined);
  return report;
}

const isOld = (modified: Date | undefined, olderThan: number) =>
  modified !== undefined && Date.now() - modified.getTime() > olderThan;

/** Checks the age again, because the blob may have been put since the listing. */
async function expire(
  { sdk, client }: Opened,
  Bucket: string,
  Key: string,
  olderThan: number,
  abort: { readonly abortSignal?: AbortSignal },
): Promise<boolean> {
  try {
    const { LastModified } = await client.send(new sdk.HeadObjectCommand({ Bucket, Key }), abort);
    if (!isOld(LastModified, olderThan)) return false;
    await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), abort);
    return true;
  } catch (thrown) {
    if (isAbsent(thrown)) return false;
    throw thrown;
  }
}
