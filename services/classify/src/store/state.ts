/**
 * A partition's state is on disk, but nothing may be written before its batch is committed: a draft collects
 * the changes of a batch over the stored state, and is discarded when the batch fails.
 */

/** Keys are at most 1,900 bytes; values are opaque. */
export interface StateReader {
  get(key: string): Buffer | undefined;
  /** Entries whose key has the prefix, by default ascending by the key's UTF-8 bytes. */
  range(prefix: string, options?: RangeOptions): Iterable<StateEntry>;
}

export interface RangeOptions {
  /** A key with the prefix: the first one if ascending, the exclusive bound if descending. */
  readonly from?: string;
  readonly descending?: boolean;
}

export interface StateEntry {
  readonly key: string;
  readonly value: Buffer;
}

/** Key to new value; null deletes. */
export type Changes = ReadonlyMap<string, Buffer | null>;

export class Draft implements StateReader {
  readonly #base: StateReader;
  readonly #changes = new Map<string, Buffer | null>();

  constructor(base: StateReader) {
    this.#base = base;
  }

  get changes(): Changes {
    return this.#changes;
  }

  get(key: string): Buffer | undefined {
    const changed = this.#changes.get(key);
    return changed === undefined ? this.#base.get(key) : (changed ?? undefined);
  }

  put(key: string, value: Buffer | null): void {
    this.#changes.set(key, value);
  }

  /** Applies the changes of an inner draft: all of one record's changes, or none. */
  absorb(inner: Draft): void {
    for (const [key, value] of inner.changes) this.#changes.set(key, value);
  }

  *range(prefix: string, options: RangeOptions = {}): Iterable<StateEntry> {
    const mine = [...this.#changes].filter(([key]) => isWithin(key, prefix, options)).sort(byKey);
    if (options.descending === true) mine.reverse();
    let next = 0;
    for (const entry of this.#base.range(prefix, options)) {
      for (; next < mine.length && isDue(mine[next], entry.key, options); next++) yield* present(mine[next]);
      if (!this.#changes.has(entry.key)) yield entry;
    }
    for (; next < mine.length; next++) yield* present(mine[next]);
  }
}

type Change = readonly [string, Buffer | null];

function byKey(a: Change, b: Change): number {
  return compareKeys(a[0], b[0]);
}

function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function isWithin(key: string, prefix: string, { from, descending = false }: RangeOptions): boolean {
  if (!key.startsWith(prefix)) return false;
  return from === undefined || compareKeys(key, from) < 0 === descending;
}

/** Whether the change precedes or equals the key in the order of the range. */
function isDue(change: Change | undefined, key: string, { descending = false }: RangeOptions): boolean {
  if (change === undefined) return false;
  const order = compareKeys(change[0], key);
  return descending ? order >= 0 : order <= 0;
}

function* present(change: Change | undefined): Iterable<StateEntry> {
  if (change !== undefined && change[1] !== null) yield { key: change[0], value: change[1] };
}
