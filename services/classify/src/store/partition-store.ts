/**
 * A partition's state on local disk (LMDB). The input positions are written in the same transaction as the
 * state, so that the store always knows which records it has seen, whatever killed the process.
 */
import { mkdirSync } from 'node:fs';
import { HeadwaterError } from '@headwater/errors';
import type { Positions } from '@headwater/log';
import { open, type RootDatabase } from 'lmdb';
import { erasedKey, erasedMark, withoutErased } from './rewriting.ts';
import type { Changes, RangeOptions, StateEntry, StateReader } from './state.ts';

export interface PartitionStore extends StateReader {
  /** Next offset by topic, as of the last write; empty for a new store. */
  readonly positions: Positions;
  /** Milliseconds since the epoch; 0 for a new store. */
  readonly writtenAt: number;
  /** Changes and positions in one transaction. Errors: store-unavailable. */
  write(changes: Changes, positions: Positions): Promise<void>;
  /** Forgets everything. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface PartitionStoreOptions {
  readonly folder: string;
  /** What the state belongs to: its format's version, the group and the like. A store of another identity is emptied. */
  readonly identity: string;
  /** What is written need not outlive the process: nothing waits for the disk. Default: it must. */
  readonly isTemporary?: boolean;
}

const headerKey = '\u0000header';
/** Entries that are read at once: few for those who look at the first ones only. */
const smallestPage = 16;
const largestPage = 256;
/** Behind every key with a prefix: keys are made of letters. */
const lastCharacter = '\uffff';

interface Header {
  readonly identity: string;
  readonly writtenAt: number;
  readonly positions: readonly (readonly [string, string])[];
}

/** Errors: store-unavailable. */
export async function openPartitionStore(options: PartitionStoreOptions): Promise<PartitionStore> {
  try {
    mkdirSync(options.folder, { recursive: true });
    const openOne = (folder: string) => openDatabase(folder, options.isTemporary === true);
    const database = await withoutErased(openOne(options.folder), options.folder, openOne);
    const store = new LmdbPartitionStore(database, options.identity);
    await store.load();
    return store;
  } catch (cause) {
    throw unavailable('The local store cannot be opened; check DATA_DIR and its disk', options.folder, cause);
  }
}

/** Without the batches that lmdb makes of a turn by itself: all our writes are transactions, and nobody awaits those batches. */
function openDatabase(path: string, noSync: boolean): RootDatabase<Buffer, string> {
  return open({ path, encoding: 'binary', eventTurnBatching: false, noSync });
}

class LmdbPartitionStore implements PartitionStore {
  readonly #database: RootDatabase<Buffer, string>;
  readonly #identity: string;
  #positions: Positions = new Map();
  #writtenAt = 0;
  #isClosed = false;

  constructor(database: RootDatabase<Buffer, string>, identity: string) {
    this.#database = database;
    this.#identity = identity;
  }

  get positions(): Positions {
    return this.#positions;
  }

  get writtenAt(): number {
    return this.#writtenAt;
  }

  async load(): Promise<void> {
    const header = parseHeader(this.#database.get(headerKey));
    if (header === undefined || header.identity !== this.#identity) return this.clear();
    this.#positions = new Map(header.positions.map(([topic, offset]) => [topic, BigInt(offset)]));
    this.#writtenAt = header.writtenAt;
  }

  get(key: string): Buffer | undefined {
    return this.#opened().get(key);
  }

  /** Page by page, each read at once: an iterator that is held while others run would hold an old state of the whole store. */
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
    const header = headerBytes({ identity: this.#identity, writtenAt, positions: asEntries(merged) });
    const database = this.#opened();
    try {
      await database.transaction(() => {
        for (const [key, value] of changes) {
          if (value === null) database.remove(key);
          else database.put(key, value);
        }
        database.put(headerKey, header);
      });
    } catch (cause) {
      throw unwritable(cause);
    }
    this.#positions = merged;
    this.#writtenAt = writtenAt;
  }

  async clear(): Promise<void> {
    const isEmpty = this.#database.get(headerKey) === undefined;
    await this.#database.clearAsync();
    if (!isEmpty) await this.#database.put(erasedKey, erasedMark);
    this.#positions = new Map();
    this.#writtenAt = 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#database.close();
  }

  /** A read of LMDB while it closes can end the process. Errors: store-unavailable. */
  #opened(): RootDatabase<Buffer, string> {
    if (this.#isClosed) throw new HeadwaterError('store-unavailable', 'The local store is closed');
    return this.#database;
  }
}

function asEntries(positions: Positions): [string, string][] {
  return [...positions].map(([topic, offset]) => [topic, String(offset)]);
}

function headerBytes(header: Header): Buffer {
  return Buffer.from(JSON.stringify(header));
}

function parseHeader(bytes: Buffer | undefined): Header | undefined {
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as Header);
}

/** lmdb tells the reason of a failed commit a moment later, by a promise that must not be left alone. */
function unwritable(cause: unknown): HeadwaterError {
  (cause as { readonly commitError?: Promise<unknown> }).commitError?.catch(() => undefined);
  return unavailable('The local store cannot be written; is its disk full?', '', cause);
}

function unavailable(message: string, folder: string, cause: unknown): HeadwaterError {
  return new HeadwaterError('store-unavailable', message, { cause, context: { folder } });
}
