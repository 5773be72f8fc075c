/**
 * A partition's state on local disk (LMDB). Input positions are written in one transaction with the state, so
 * the store knows after any crash which records it contains.
 */
import { mkdirSync } from 'node:fs';
import { HeadwaterError } from '@headwater/errors';
import type { Positions } from '@headwater/log';
import { open, type RootDatabase } from 'lmdb';
import { OpeningCount } from './opening-count.ts';
import { erasedKey, erasedMark, withoutErased } from './rewriting.ts';
import { StoreView } from './snapshots/store-view.ts';
import type { Changes, RangeOptions, StateEntry, StateReader } from './state.ts';
import { decodeHeader, encodeHeader, writeHeaderNote } from './store-header.ts';

export interface PartitionStore extends StateReader {
  /** Next offset by topic, as of the last write; empty for a new store. */
  readonly positions: Positions;
  /** Milliseconds since the epoch; 0 for a new store. */
  readonly writtenAt: number;
  /** Changes and positions in one transaction. Errors: store-unavailable. */
  write(changes: Changes, positions: Positions): Promise<void>;
  /** Time of the last write that erased something, later than all before whatever the clock; 0 where none has. */
  readonly erasedAt: number;
  /** The part of the identity that snapshots must share with the store. */
  readonly identity: string;
  /** True where a former store was removed at the opening, because its users have crashed. */
  readonly isRemoved: boolean;
  /** Aborted when the store is closed. */
  readonly closing: AbortSignal;
  /** The store as it is now, whatever is written later. Errors: store-unavailable. */
  openView(): StoreView;
  /** Writes entries of a snapshot to an empty store, which stays a new one until `complete`. Errors: store-unavailable. */
  fill(entries: readonly StateEntry[]): Promise<void>;
  /** The store has all entries of a snapshot. Errors: store-unavailable. */
  complete(positions: Positions, writtenAt: number): Promise<void>;
  /** Deletes everything. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface PartitionStoreOptions {
  readonly folder: string;
  /** Identifies the state: format version, group and the like. A store of another identity is emptied. */
  readonly identity: string;
  /** Skips waiting for the disk, for data that need not outlive the process. Default: false. */
  readonly isTemporary?: boolean;
}

const headerKey = '\u0000header';
const noteEveryMs = 60_000;
/** When something was last erased: snapshots that are older may hold it. */
const erasedAtKey = '\u0000erased-at';
/** Entries of the first page: few, for callers that need only the first ones. */
const smallestPage = 16;
const largestPage = 256;
/** Sorts behind every key with a prefix. */
const lastCharacter = '\uffff';

/** Errors: store-unavailable. */
export async function openPartitionStore(options: PartitionStoreOptions): Promise<PartitionStore> {
  let openings: OpeningCount | undefined;
  try {
    mkdirSync(options.folder, { recursive: true });
    if (options.isTemporary !== true) openings = new OpeningCount(options.folder);
    const openOne = (folder: string) => openDatabase(folder, options.isTemporary === true);
    const database = await withoutErased(openOne(options.folder), options.folder, openOne);
    const store = new LmdbPartitionStore(database, options, openings);
    await store.load();
    return store;
  } catch (cause) {
    openings?.end();
    throw unavailable('the local store cannot be opened; check DATA_DIR and its disk', options.folder, cause);
  }
}

/**
 * Without the event-turn batches of lmdb: all our writes are transactions, and no one would await those
 * batches.
 */
function openDatabase(path: string, noSync: boolean): RootDatabase<Buffer, string> {
  return open({ path, encoding: 'binary', eventTurnBatching: false, noSync });
}

class LmdbPartitionStore implements PartitionStore {
  readonly #database: RootDatabase<Buffer, string>;
  readonly identity: string;
  readonly #closing = new AbortController();
  readonly #views = new Set<StoreView>();
  #positions: Positions = new Map();
  #writtenAt = 0;
  /** Undefined for a temporary store. */
  readonly #openings: OpeningCount | undefined;
  /** Undefined for a temporary store. */
  readonly #noteFolder: string | undefined;
  #notedAt = 0;
  #isClosed = false;

  constructor(
    database: RootDatabase<Buffer, string>,
    { identity, folder, isTemporary }: PartitionStoreOptions,
    openings: OpeningCount | undefined,
  ) {
    this.#openings = openings;
    this.#database = database;
    this.identity = identity;
    this.#noteFolder = isTemporary === true ? undefined : folder;
  }

  get isRemoved(): boolean {
    return this.#openings?.isRemoved ?? false;
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get erasedAt(): number {
    return asTime(this.#opened().get(erasedAtKey));
  }

  get positions(): Positions {
    return this.#positions;
  }

  get writtenAt(): number {
    return this.#writtenAt;
  }

  async load(): Promise<void> {
    const header = decodeHeader(this.#database.get(headerKey));
    if (header === undefined || header.identity !== this.identity) return this.clear();
    this.#positions = header.positions;
    this.#writtenAt = header.writtenAt;
  }

  get(key: string): Buffer | undefined {
    return this.#opened().get(key);
  }

  /** Reads page by page: an iterator kept open would retain an old version of the whole store. */
  *range(prefix: string, { from, descending = false }: RangeOptions = {}): Iterable<StateEntry> {
    let start = from ?? (descending ? `${prefix}${lastCharacter}` : prefix);
    let exclusiveStart = descending;
    for (let limit = smallestPage; ; limit = Math.min(2 * limit, largestPage)) {
      const page = [...this.#opened().getRange({ start, exclusiveStart, reverse: descending, limit })];
      for (const { key, value } of page) {
        if (!key.startsWith(prefix)) return;
        yield { key, value };
      }
      const last = page.at(-1);
      if (last === undefined || page.length < limit) return;
      start = last.key;
      exclusiveStart = true;
    }
  }

  async write(changes: Changes, positions: Positions): Promise<void> {
    const merged = new Map([...this.#positions, ...positions]);
    const writtenAt = Date.now();
    const header = encodeHeader({ identity: this.identity, writtenAt, positions: merged });
    const erasedAt = changes.has(erasedKey) ? Math.max(writtenAt, this.erasedAt + 1) : undefined;
    await this.#transact((database) => {
      for (const [key, value] of changes) {
        if (value === null) database.remove(key);
        else database.put(key, value);
      }
      if (erasedAt !== undefined) database.put(erasedAtKey, Buffer.from(String(erasedAt)));
      database.put(headerKey, header);
    });
    this.#positions = merged;
    this.#writtenAt = writtenAt;
    if (writtenAt - this.#notedAt > noteEveryMs) this.#note();
  }

  openView(): StoreView {
    const database = this.#opened();
    const transaction = database.useReadTransaction();
    // Not those in memory: a write that was committed may not have returned yet.
    const header = decodeHeader(database.get(headerKey, { transaction }));
    const view = new StoreView({
      database,
      transaction,
      positions: header?.positions ?? new Map(),
      erasedAt: asTime(database.get(erasedAtKey, { transaction })),
      hidden: [headerKey, erasedKey],
      onClose: () => this.#views.delete(view),
    });
    this.#views.add(view);
    return view;
  }

  async fill(entries: readonly StateEntry[]): Promise<void> {
    await this.#transact((database) => {
      for (const { key, value } of entries) database.put(key, value);
    });
  }

  async complete(positions: Positions, writtenAt: number): Promise<void> {
    const header = encodeHeader({ identity: this.identity, writtenAt, positions });
    await this.#transact((database) => {
      database.put(headerKey, header);
    });
    this.#positions = new Map(positions);
    this.#writtenAt = writtenAt;
    this.#note();
  }

  async #transact(change: (database: RootDatabase<Buffer, string>) => void): Promise<void> {
    const database = this.#opened();
    try {
      await database.transaction(() => change(database));
    } catch (cause) {
      throw unwritable(cause);
    }
  }

  async clear(): Promise<void> {
    const isEmpty = [...this.#database.getKeys({ limit: 1 })].length === 0;
    await this.#database.clearAsync();
    if (!isEmpty) await this.#database.put(erasedKey, erasedMark);
    this.#positions = new Map();
    this.#writtenAt = 0;
    this.#note();
    this.#notedAt = 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#note();
    this.#closing.abort();
    for (const view of this.#views) view.close();
    await this.#database.close();
    this.#openings?.end();
  }

  /** Where the store stands, for `StoredPartitions`. */
  #note(): void {
    if (this.#noteFolder === undefined) return;
    this.#notedAt = Date.now();
    const [identity, writtenAt, positions] = [this.identity, this.#writtenAt, this.#positions];
    writeHeaderNote(this.#noteFolder, { identity, writtenAt, positions });
  }

  /** Guards reads, since a read of LMDB during its close can crash the process. Errors: store-unavailable. */
  #opened(): RootDatabase<Buffer, string> {
    if (this.#isClosed) throw new HeadwaterError('store-unavailable', 'the local store is closed');
    return this.#database;
  }
}

function asTime(bytes: Buffer | undefined): number {
  return Number(bytes?.toString('utf8') ?? 0);
}

/** lmdb reports the reason of a failed commit later, by a promise that must be handled. */
function unwritable(cause: unknown): HeadwaterError {
  (cause as { readonly commitError?: Promise<unknown> }).commitError?.catch(() => undefined);
  return unavailable('the local store cannot be written; check free space of its disk', '', cause);
}

function unavailable(message: string, folder: string, cause: unknown): HeadwaterError {
  return new HeadwaterError('store-unavailable', message, { cause, context: { folder } });
}
