/** The snapshots of a partition in the blob store: their names, the list of them, and which of them go. */
import { createHash, randomBytes } from 'node:crypto';
import type { BlobStore, NamedBlob, StoredBlob } from '@headwater/blobs';
import { HeadwaterError } from '@headwater/errors';
import type { Positions } from '@headwater/log';

/** A name is never written twice: two owners of a partition cannot overwrite each other's snapshots. */
interface SnapshotName {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
  /** Hash of the identity of the store. */
  readonly identity: string;
  /** The last erasure that it knows, see `PartitionStore.erasedAt`. */
  readonly erasedAt: number;
}

export interface FoundSnapshot extends SnapshotName {
  readonly manifest: StoredBlob;
}

interface PruneOptions {
  readonly partition: number;
  readonly identity: string;
  /** Snapshots that know only earlier erasures may hold what was erased. */
  readonly erasedAt: number;
  readonly maxAgeMs: number;
  /** How many of the newest stay. */
  readonly keep: number;
}

const manifestFile = 'manifest';
const idForm = /^(\d{15})-([0-9a-f]{16})-(\d+)-\d+-[0-9a-f]{16}$/;
const hourMs = 3_600_000;

export class SnapshotCatalog {
  readonly #blobs: BlobStore;
  readonly #base: string;
  readonly #partitions: number;

  /** `partitions`: how many the topics have. Errors: config-invalid where the blob store has no lists. */
  constructor(blobs: BlobStore, group: string, partitions: number) {
    if (blobs.list === undefined) {
      throw new HeadwaterError(
        'config-invalid',
        'STORE_SNAPSHOTS: this blob store cannot list snapshots; set off',
      );
    }
    this.#blobs = blobs;
    this.#base = encodeURIComponent(group);
    this.#partitions = partitions;
  }

  newName(
    identity: string,
    state: Pick<SnapshotName, 'takenAt' | 'erasedAt'> & { readonly positions: Positions },
  ): SnapshotName {
    const { takenAt, erasedAt, positions } = state;
    const hash = hashOf(identity);
    const sum = [...positions.values()].reduce((total, offset) => total + offset, 0n);
    const time = String(takenAt).padStart(15, '0');
    const id = `${time}-${hash}-${erasedAt}-${sum}-${randomBytes(8).toString('hex')}`;
    return { id, takenAt, erasedAt, identity: hash };
  }

  async putPart(partition: number, { id }: SnapshotName, index: number, bytes: Uint8Array) {
    const blob = await this.#put(partition, id, `part-${String(index).padStart(6, '0')}`, bytes);
    const { uri, byteLength, sha256 } = blob;
    return { uri, part: { file: uri.slice(uri.lastIndexOf('/') + 1), byteLength, sha256 } };
  }

  /** Written last: without it there is no snapshot. */
  async putManifest(partition: number, { id }: SnapshotName, bytes: Uint8Array): Promise<void> {
    await this.#put(partition, id, manifestFile, bytes);
  }

  #put(partition: number, id: string, file: string, bytes: Uint8Array): Promise<StoredBlob> {
    return this.#blobs.put(bytes, { name: `${this.#base}/${folderOf(partition)}/${id}/${file}` });
  }

  /** Snapshots with a manifest, the newest first. */
  async list(partition: number): Promise<FoundSnapshot[]> {
    const found: FoundSnapshot[] = [];
    for await (const { name, blob } of this.#blobsOf(partition)) {
      if (name !== undefined && blob.name.endsWith(`/${manifestFile}`))
        found.push({ ...name, manifest: blob });
    }
    return found.sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** Deletes snapshots that nothing can use, and those that may hold what was erased. Returns how many. */
  async prune(options: PruneOptions): Promise<number> {
    const all = await this.list(options.partition);
    const kept = new Set(keptSnapshots(all, options).map(({ id }) => id));
    const deleted = new Set<string>();
    for await (const { name, blob } of this.#blobsOf(options.partition)) {
      if (name !== undefined && (kept.has(name.id) || isBeingWritten(name, all, options))) continue;
      await this.#blobs.delete(blob.uri);
      deleted.add(name?.id ?? blob.name);
    }
    if (options.partition === 0) await this.#pruneFormerPartitions(deleted);
    return deleted.size;
  }

  /** The topics had more partitions once: nobody owns these any more. */
  async #pruneFormerPartitions(deleted: Set<string>): Promise<void> {
    for await (const blob of this.#list(this.#base)) {
      const partition = Number(blob.name.slice(this.#base.length + 1).split('/')[0]);
      if (!blob.name.startsWith(`${this.#base}/`) || partition < this.#partitions) continue;
      await this.#blobs.delete(blob.uri);
      deleted.add(blob.name);
    }
  }

  async *#blobsOf(
    partition: number,
  ): AsyncGenerator<{ readonly name: SnapshotName | undefined; readonly blob: NamedBlob }> {
    const folder = `${this.#base}/${folderOf(partition)}`;
    for await (const blob of this.#list(folder)) {
      const [id = ''] = blob.name.slice(folder.length + 1).split('/');
      if (blob.name.startsWith(`${folder}/`)) yield { name: parseId(id), blob };
    }
  }

  #list(prefix: string): AsyncIterable<NamedBlob> {
    return this.#blobs.list?.(prefix) ?? (async function* () {})();
  }
}

export function hashOf(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 16);
}

/** A clock that ran ahead would make a snapshot the newest for good. */
export function isFromTheFuture(time: number): boolean {
  return time > Date.now() + hourMs;
}

function keptSnapshots(all: readonly FoundSnapshot[], options: PruneOptions): FoundSnapshot[] {
  const usable = all.filter(
    ({ takenAt, erasedAt }) =>
      erasedAt >= options.erasedAt && takenAt > Date.now() - options.maxAgeMs && !isFromTheFuture(takenAt),
  );
  const own = usable.filter(({ identity }) => identity === hashOf(options.identity)).slice(0, options.keep);
  // Of another format or layout: they are of use until there is one of this.
  return own.length > 0 ? own : usable.slice(0, options.keep);
}

/** A former owner may not know yet that it is one; what it leaves is deleted an hour later. */
function isBeingWritten(
  name: SnapshotName,
  all: readonly FoundSnapshot[],
  { erasedAt }: PruneOptions,
): boolean {
  const isRecent = name.takenAt > Date.now() - hourMs && !isFromTheFuture(name.takenAt);
  return isRecent && name.erasedAt >= erasedAt && !all.some(({ id }) => id === name.id);
}

function parseId(id: string): SnapshotName | undefined {
  const [, time, identity, erasedAt] = idForm.exec(id) ?? [];
  if (time === undefined || identity === undefined) return undefined;
  return { id, takenAt: Number(time), identity, erasedAt: Number(erasedAt) };
}

/** Padded, so that no partition's folder is the beginning of another's. */
function folderOf(partition: number): string {
  return String(partition).padStart(6, '0');
}
