/**
 * Snapshots of the stores of a role in the blob store: a process whose disk is empty loads one, and reads from the topics
 * only what came later. A snapshot decides nothing: one that is damaged, foreign or too old is passed over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobStore } from '@headwater/blobs';
import { asHeadwaterError } from '@headwater/errors';
import type { AssignedPartition, Logger, Positions } from '@headwater/log';
import type { PartitionStore } from '../partition-store.ts';
import type { RebuildProgress } from '../rebuild-progress.ts';
import { isAhead } from '../roll-forward.ts';
import { haveLandmarks, readLandmarks } from './landmarks.ts';
import { type FoundSnapshot, hashOf, isFromTheFuture, SnapshotCatalog } from './snapshot-catalog.ts';
import {
  damaged,
  largestManifest,
  largestPart,
  type Manifest,
  manifestBytes,
  parseManifest,
  parsePart,
  readPart,
  type SnapshotPart,
} from './snapshot-format.ts';

export interface StoreSnapshotsOptions {
  readonly role: 'join' | 'train';
  readonly group: string;
  readonly partitions: number;
  readonly blobs: BlobStore;
  /** Milliseconds from one snapshot of a partition to the next. */
  readonly everyMs: number;
  /** How many of the newest snapshots of a partition stay, default 2. */
  readonly keep?: number;
  /** Older ones are not used: they may not know tombstones that compaction has dropped since. */
  readonly maxAgeMs: number;
  /** How long the topics keep tombstones; undefined where this cannot be read. */
  tombstoneRetentionMs?(topics: readonly string[]): Promise<number | undefined>;
  earliest(topic: string, partition: number): Promise<bigint>;
  /** The offset after the last one. */
  end(topic: string, partition: number): Promise<bigint>;
  readonly logger: Logger;
}

export interface LoadedSnapshot {
  readonly snapshot: string;
  readonly entries: number;
  readonly bytes: number;
}

const defaultKeep = 2;
/** How often, and how many times, a store is looked at that has not caught up. */
const catchUpMs = 1_000;
const catchUpTries = 60;
const retryMs = 60_000;

export class StoreSnapshots {
  readonly #options: StoreSnapshotsOptions;
  readonly #catalog: SnapshotCatalog;
  /** Snapshots are written one after another: each is the load of a disk and of the network. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Errors: config-invalid. */
  constructor(options: StoreSnapshotsOptions) {
    this.#options = options;
    this.#catalog = new SnapshotCatalog(options.blobs, options.group, options.partitions);
  }

  /** Fills an empty store from the newest snapshot that fits. Errors: store-unavailable, log-unavailable. */
  async load(
    store: PartitionStore,
    partition: AssignedPartition,
    progress: RebuildProgress,
  ): Promise<LoadedSnapshot | undefined> {
    for (const found of await this.#list(partition.index)) {
      const warn = (reason: string) => this.#ignored(partition.index, found.id, reason);
      try {
        const manifest = await this.#readManifest(found, store.identity);
        const problem =
          manifest === undefined
            ? 'it is of another format or layout'
            : await this.#problem(manifest, partition);
        if (manifest === undefined || problem !== undefined) {
          warn(problem ?? '');
          continue;
        }
        await this.#fill(store, found, manifest, progress);
        await store.complete(manifest.positions, manifest.asOf);
        return { snapshot: found.id, entries: manifest.entries, bytes: manifest.bytes };
      } catch (thrown) {
        const error = asHeadwaterError(thrown);
        if (!error.code.startsWith('blob-') && error.code !== 'limit-exceeded') throw error;
        warn(error.message);
        await store.clear();
      }
    }
    return undefined;
  }

  async #list(partition: number): Promise<FoundSnapshot[]> {
    try {
      return await this.#catalog.list(partition);
    } catch (error) {
      const { role, logger } = this.#options;
      logger.warn(
        { role, partition, error },
        'cannot list the snapshots of a local store; reading its topics',
      );
      return [];
    }
  }

  #ignored(partition: number, snapshot: string, reason: string): void {
    const { role, logger } = this.#options;
    logger.warn({ role, partition, snapshot, reason }, 'ignoring a snapshot of a local store');
  }

  async #readManifest({ manifest, identity }: FoundSnapshot, own: string): Promise<Manifest | undefined> {
    if (identity !== hashOf(own)) return undefined;
    if (manifest.byteLength > largestManifest) throw damaged('its manifest is too large');
    const parsed = parseManifest(await this.#options.blobs.get(manifest));
    return parsed?.identity === own ? parsed : undefined;
  }

  /** Why the snapshot cannot be used; undefined when it can. */
  async #problem(manifest: Manifest, partition: AssignedPartition): Promise<string | undefined> {
    const { positions, asOf } = manifest;
    if (manifest.partition !== partition.index) return 'it is of another partition';
    if (isFromTheFuture(asOf)) return 'its time lies in the future';
    const maxAgeMs = await this.#maxAgeMs(partition.topics);
    if (Date.now() - asOf > maxAgeMs) return `it is older than ${Math.round(maxAgeMs / 1_000)} s`;
    if (isAhead(partition, positions)) return 'it is ahead of the committed offsets';
    for (const [topic, position] of positions) {
      if (!partition.topics.includes(topic)) continue;
      const low = await this.#options.earliest(topic, partition.index);
      if (position < low) return `records of ${topic} that follow it have expired`;
    }
    if (!(await haveLandmarks(partition, manifest.landmarks)))
      return 'it is of other topics with the same names';
    return undefined;
  }

  async #maxAgeMs(topics: readonly string[]): Promise<number> {
    const { maxAgeMs, tombstoneRetentionMs } = this.#options;
    return Math.min(maxAgeMs, (await tombstoneRetentionMs?.(topics)) ?? maxAgeMs);
  }

  /** Reads the next part while one is written. */
  async #fill(
    store: PartitionStore,
    { manifest: { uri } }: FoundSnapshot,
    { parts, entries, bytes }: Manifest,
    progress: RebuildProgress,
  ): Promise<void> {
    const folder = uri.slice(0, uri.lastIndexOf('/') + 1);
    const read = (part: SnapshotPart | undefined) => {
      const reading = part === undefined ? undefined : this.#readPart(folder, part);
      reading?.catch(() => undefined);
      return reading;
    };
    progress.begin('snapshot', bytes);
    let filled = 0;
    let next = read(parts[0]);
    for (let index = 0; next !== undefined; index++) {
      const part = await next;
      next = read(parts[index + 1]);
      const found = parsePart(part);
      await store.fill(found);
      filled += found.length;
      progress.advanced({ records: found.length, bytes: part.length, done: part.length });
    }
    if (filled !== entries) throw damaged(`it has ${filled} entries instead of ${entries}`);
  }

  #readPart(folder: string, { file, byteLength, sha256 }: SnapshotPart): Promise<Buffer> {
    if (byteLength > largestPart || !file.endsWith(`.${sha256}`)) throw damaged('its manifest is wrong');
    return this.#options.blobs.get({ uri: `${folder}${file}`, byteLength, sha256 });
  }

  /** Writes snapshots in the background until the store is closed. */
  start(store: PartitionStore, partition: AssignedPartition): void {
    void this.#run(store, partition).catch((error: unknown) => {
      const { role, logger } = this.#options;
      if (store.closing.aborted) return;
      logger.error({ role, partition: partition.index, error }, 'snapshots of a local store have ended');
    });
  }

  async #run(store: PartitionStore, partition: AssignedPartition): Promise<void> {
    const { everyMs } = this.#options;
    const signal = store.closing;
    const own = (await this.#list(partition.index)).find(
      ({ identity }) => identity === hashOf(store.identity),
    );
    let dueMs =
      own === undefined ? Math.random() * Math.min(retryMs, everyMs) : own.takenAt + everyMs - Date.now();
    let last: Taken | undefined;
    while (!signal.aborted) {
      await sleep(Math.min(Math.max(0, dueMs), everyMs), undefined, { signal, ref: false });
      const taken = await this.#inTurn(signal, () => this.#attempt(store, partition, last));
      last = taken ?? last;
      dueMs = taken === undefined ? Math.min(retryMs, everyMs) : everyMs;
    }
  }

  #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    const turn = this.#turn.then(() => (signal.aborted ? undefined : work()));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Old snapshots go even where a new one cannot be written: an erasure must not wait for it. */
  async #attempt(
    store: PartitionStore,
    partition: AssignedPartition,
    last: Taken | undefined,
  ): Promise<Taken | undefined> {
    const taken = await this.#orWarn(
      'cannot write a snapshot of a local store',
      store,
      partition,
      async () => (isFresh(last, store.positions, this.#options) ? last : this.take(store, partition)),
    );
    await this.#orWarn('cannot delete old snapshots of a local store', store, partition, () =>
      this.prune(store, partition.index),
    );
    return taken;
  }

  async #orWarn<T>(
    message: string,
    store: PartitionStore,
    { index }: AssignedPartition,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const { role, logger } = this.#options;
      if (!store.closing.aborted) logger.warn({ role, partition: index, error }, `${message}; trying again`);
      return undefined;
    }
  }

  /** Deletes what is not kept. Errors: blob-store-unavailable. */
  async prune(store: PartitionStore, partition: number): Promise<void> {
    const { keep = defaultKeep, maxAgeMs, role, logger } = this.#options;
    const { identity, erasedAt } = store;
    const deleted = await this.#catalog.prune({ partition, identity, erasedAt, maxAgeMs, keep });
    if (deleted > 0) logger.debug({ role, partition, deleted }, 'old snapshots of a local store deleted');
  }

  /** Writes one; undefined where the store is too far behind its topics. Errors: blob-store-unavailable, store-unavailable. */
  async take(store: PartitionStore, partition: AssignedPartition): Promise<Taken | undefined> {
    const asOf = Date.now();
    if (!(await this.#caughtUp(store, partition))) return undefined;
    const view = store.openView();
    const takenAt = Date.now();
    const { positions, erasedAt } = view;
    const name = this.#catalog.newName(store.identity, { positions, erasedAt, takenAt });
    const uris: string[] = [];
    const parts: SnapshotPart[] = [];
    let entries = 0;
    let bytes = 0;
    try {
      for (let next = readPart(view); next !== undefined; next = readPart(view)) {
        const put = await this.#catalog.putPart(partition.index, name, parts.length, next.bytes);
        uris.push(put.uri);
        parts.push(put.part);
        entries += next.entries;
        bytes += next.bytes.length;
      }
      view.close();
      const landmarks = await readLandmarks(partition, positions);
      store.closing.throwIfAborted();
      const { identity } = store;
      const described = { identity, partition: partition.index, asOf, takenAt, positions, landmarks };
      const manifest = manifestBytes({ ...described, entries, bytes, parts });
      await this.#catalog.putManifest(partition.index, name, manifest);
    } catch (error) {
      await Promise.all(uris.map((uri) => this.#options.blobs.delete(uri).catch(() => undefined)));
      throw error;
    } finally {
      view.close();
    }
    const { role, logger } = this.#options;
    const fields = { role, partition: partition.index, snapshot: name.id, entries, bytes };
    logger.info({ ...fields, milliseconds: Date.now() - takenAt }, 'snapshot of a local store written');
    return { positions, takenAt };
  }

  /**
   * Whether the store has all records that were in the topics when it was asked: the age of a snapshot counts from then,
   * and with it which tombstones it may lack.
   */
  async #caughtUp(store: PartitionStore, partition: AssignedPartition): Promise<boolean> {
    const missing = new Map<string, bigint>();
    for (const topic of partition.topics) {
      missing.set(topic, await this.#options.end(topic, partition.index));
    }
    for (let attempt = 0; attempt < catchUpTries; attempt++) {
      for (const [topic, end] of missing) {
        if (!(await hasRecords(partition, topic, store.positions.get(topic) ?? 0n, end)))
          missing.delete(topic);
      }
      if (missing.size === 0) return true;
      await sleep(catchUpMs, undefined, { signal: store.closing, ref: false });
    }
    return false;
  }
}

interface Taken {
  readonly positions: Positions;
  readonly takenAt: number;
}

/** Nothing has changed since, and the snapshot stays usable until the next look. */
function isFresh(
  last: Taken | undefined,
  positions: Positions,
  { everyMs, maxAgeMs }: StoreSnapshotsOptions,
): boolean {
  if (last === undefined || Date.now() - last.takenAt + everyMs > maxAgeMs / 2) return false;
  return [...positions].every(([topic, offset]) => last.positions.get(topic) === offset);
}

/** Control records of transactions are no records, but lie between the positions. */
async function hasRecords(
  partition: AssignedPartition,
  topic: string,
  from: bigint,
  to: bigint,
): Promise<boolean> {
  if (from >= to) return false;
  for await (const records of partition.replay({ topic, from, to })) if (records.length > 0) return true;
  return false;
}
