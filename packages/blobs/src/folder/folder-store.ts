/**
 * The blob store in a folder that all services share. A blob's name is its SHA-256, so equal bytes are stored once.
 * Writes are atomic. References are untrusted, so nothing outside the folder is read, neither through `..` nor
 * through a symbolic link.
 */
import { randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  utimes,
} from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { HeadwaterError } from '@headwater/errors';
import type { BlobStore, PutOptions, StoredBlob } from '../api.ts';
import { blobPath, isSha256, namedFolder, ownedPrefix, sha256Of } from '../blob-path.ts';
import { checkLength, forbidden, missing, readVerified, unavailable } from '../verified-bytes.ts';
import { listNamed } from './folder-list.ts';
import { sweepFolder } from './folder-sweep.ts';

interface FolderBlobStoreOptions {
  /** Created when it is missing. */
  readonly root: string;
}

export function createFolderBlobStore(options: FolderBlobStoreOptions): BlobStore {
  const root = resolve(options.root);
  const drafts = join(root, '.drafts');
  const presence = new Presence(drafts);
  let swept: Promise<void> | undefined;
  return {
    kind: 'folder',
    prepare: () =>
      guarded('write', async () => {
        await mkdir(drafts, { recursive: true });
        presence.wasThere = true;
      }),
    put: (bytes, putting) =>
      guarded('write', async () => {
        swept ??= removeStaleDrafts(drafts);
        await swept;
        if (!presence.wasThere) await mkdir(drafts, { recursive: true });
        await presence.check();
        return put(root, drafts, bytes, putting);
      }),
    get: (blob, signal) => guarded('read', () => presence.checking(() => get(root, blob, signal))),
    delete: (uri) => guarded('delete', () => presence.confirming(() => remove(root, uri))),
    deleteOwned: (owner, before) =>
      guarded('delete', () => presence.confirming(() => removeOwned(root, owner, before))),
    list: (prefix) => listNamed(root, prefix),
    sweep: (sweeping) => guarded('sweep', () => sweepFolder({ root, drafts }, sweeping)),
  };
}

/**
 * Distinguishes a missing blob from a missing store: a lost mount leaves no folder or an empty one, and may come back.
 * The folder of drafts marks a store.
 */
class Presence {
  /** True once this process has seen the store; it is then never created again. */
  wasThere: boolean;
  private readonly drafts: string;

  constructor(drafts: string) {
    this.drafts = drafts;
    this.wasThere = existsSync(drafts);
  }

  /** Errors: blob-store-unavailable, so that no blob is written below the mount point of a lost store. */
  async check(): Promise<void> {
    const isThere = await stat(this.drafts).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isThere) throw gone();
    this.wasThere = true;
  }

  /** Errors: those of `remove`; blob-store-unavailable where the store is missing. */
  async confirming(remove: () => Promise<void>): Promise<void> {
    await remove();
    if (this.wasThere) await this.check();
  }

  /** Errors: those of `read`, with blob-store-unavailable instead of blob-missing where the store is missing. */
  async checking<T>(read: () => Promise<T>): Promise<T> {
    try {
      const bytes = await read();
      this.wasThere = true;
      return bytes;
    } catch (error) {
      if (error instanceof HeadwaterError && error.code === 'blob-missing') await this.check();
      throw error;
    }
  }
}

async function put(
  root: string,
  drafts: string,
  bytes: Uint8Array,
  options: PutOptions = {},
): Promise<StoredBlob> {
  const sha256 = sha256Of(bytes);
  const path = pathOf(root, sha256, options);
  if (!(await renew(path, bytes.byteLength))) await writeWhole(path, drafts, bytes);
  return { uri: pathToFileURL(path).href, byteLength: bytes.byteLength, sha256 };
}

const pathOf = (root: string, sha256: string, options: PutOptions = {}) =>
  join(root, ...blobPath(sha256, options).split('/'));

/**
 * Renews the age of an existing blob, since blobs expire by their last use. Returns false where the blob must be
 * written; a file of another length is replaced.
 */
async function renew(path: string, byteLength: number): Promise<boolean> {
  try {
    const found = await lstat(path);
    if (!found.isFile() || found.size !== byteLength) return false;
    const now = new Date();
    await utimes(path, now, now);
    return true;
  } catch {
    return false;
  }
}

/**
 * Writes to a draft until all bytes are on disk, so that a crash leaves no partial blob. Does not create the folder of
 * drafts: after the loss of a mount it would mark a store that is not there.
 */
async function writeWhole(path: string, drafts: string, bytes: Uint8Array): Promise<void> {
  const draft = join(drafts, randomUUID());
  try {
    const file = await open(draft, 'wx', 0o640);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await mkdir(dirname(path), { recursive: true });
    await rename(draft, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

const draftLifetimeMs = 3_600_000;

/** Removes drafts of crashed writes, but not those of running ones. */
async function removeStaleDrafts(drafts: string): Promise<void> {
  const names = await readdir(drafts).catch(() => []);
  for (const path of names.map((name) => join(drafts, name))) {
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > draftLifetimeMs) await rm(path, { force: true });
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

const chunkBytes = 262_144;

async function get(root: string, blob: StoredBlob, signal?: AbortSignal): Promise<Buffer> {
  const path = await locate(root, blob.uri);
  const file = await openPlain(path);
  try {
    checkLength((await file.stat()).size, blob);
    return await readVerified(chunksOf(file, signal), blob);
  } finally {
    await file.close();
  }
}

/** Each chunk overwrites the one before. Not a stream: an aborted stream without a listener ends the process. */
async function* chunksOf(file: FileHandle, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.allocUnsafe(chunkBytes);
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, null);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}

async function remove(root: string, uri: string): Promise<void> {
  try {
    const path = await locate(root, uri);
    await unlink(path);
    await removeEmptyFolders(join(await realpath(root), namedFolder), dirname(path));
  } catch (error) {
    if (!(error instanceof HeadwaterError && error.code === 'blob-missing') && !isMissing(error)) throw error;
  }
}

/** Folders of names are many, and none comes again. A folder that is not empty stays. */
async function removeEmptyFolders(top: string, folder: string): Promise<void> {
  for (let path = folder; isInside(top, path); path = dirname(path)) {
    if (!(await rmdir(path).then(alwaysTrue, alwaysFalse))) return;
  }
}

const alwaysTrue = () => true;
const alwaysFalse = () => false;

async function removeOwned(root: string, owner: string, before = Number.POSITIVE_INFINITY): Promise<void> {
  const prefix = join(root, ...ownedPrefix(owner).split('/'));
  const names = await readdir(dirname(prefix)).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const owned = names.filter((name) => name.startsWith(basename(prefix)));
  const paths = owned.map((name) => join(dirname(prefix), name));
  for (const path of isSha256(owner) ? [...paths, pathOf(root, owner)] : paths) {
    try {
      if ((await lstat(path)).mtimeMs < before) await unlink(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

/** Real path of a blob, which is inside the store after resolving links. */
async function locate(root: string, uri: string): Promise<string> {
  const path = toPath(uri);
  if (!isInside(root, path)) throw forbidden();
  let real: string;
  try {
    real = join(await realpath(dirname(path)), path.slice(dirname(path).length + 1));
  } catch (error) {
    throw isMissing(error) ? missing(error) : error;
  }
  if (!isInside(await realpath(root), real)) throw forbidden();
  return real;
}

function toPath(uri: string): string {
  try {
    const path = resolve(fileURLToPath(uri));
    if (!path.includes('\0')) return path;
  } catch (error) {
    throw forbidden(error);
  }
  throw forbidden();
}

async function openPlain(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw forbidden();
  } catch (error) {
    if (isMissing(error)) throw missing(error);
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw forbidden(error);
    throw error;
  }
}

/** Maps system errors of the file system (full, slow, read-only, gone) to blob-store-unavailable. */
async function guarded<T>(action: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code;
    if (error instanceof HeadwaterError || reason === undefined || !/^E[A-Z0-9]+$/.test(reason)) throw error;
    throw unavailable(action, reason, error, reason === 'EACCES' || reason === 'EPERM');
  }
}

const isInside = (root: string, path: string) => path.startsWith(root.endsWith(sep) ? root : root + sep);
const isMissing = (error: unknown) =>
  ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '');
const gone = () =>
  new HeadwaterError(
    'blob-store-unavailable',
    'the blob folder is missing or has no folder .drafts; check its mount, or start ingest, which creates a new one',
  );
