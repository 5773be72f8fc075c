/**
 * A store as it was at one moment: LMDB keeps its pages for as long as the read transaction is open, so the file of the
 * store grows by what is written meanwhile. Each step reads at once; nothing of LMDB is held between two steps.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Positions } from '@headwater/log';
import type { RootDatabase, Transaction } from 'lmdb';
import type { StateEntry } from '../state.ts';

interface StoreViewOptions {
  readonly database: RootDatabase<Buffer, string>;
  readonly transaction: Transaction;
  readonly positions: Positions;
  readonly erasedAt: number;
  /** Keys that belong to the file of the store, not to what it keeps. */
  readonly hidden: readonly string[];
  onClose(): void;
}

export class StoreView {
  /** Next offset by topic, as of the same moment. */
  readonly positions: Positions;
  /** As `PartitionStore.erasedAt`. */
  readonly erasedAt: number;
  readonly #database: RootDatabase<Buffer, string>;
  readonly #transaction: Transaction;
  readonly #hidden: readonly string[];
  readonly #onClose: () => void;
  #last: string | undefined;
  #isClosed = false;

  constructor({ database, transaction, positions, erasedAt, hidden, onClose }: StoreViewOptions) {
    this.#database = database;
    this.#transaction = transaction;
    this.positions = positions;
    this.erasedAt = erasedAt;
    this.#hidden = hidden;
    this.#onClose = onClose;
  }

  /**
   * Passes the next entries, in the order of their keys, until `take` returns false; the values are valid only during the
   * call. Returns false at the end. Errors: store-unavailable.
   */
  read(take: (entry: StateEntry) => boolean): boolean {
    if (this.#isClosed) throw new HeadwaterError('store-unavailable', 'the local store is closed');
    const from = this.#last === undefined ? {} : { start: this.#last, exclusiveStart: true };
    for (const entry of this.#database.getRange({ ...from, transaction: this.#transaction })) {
      this.#last = entry.key;
      if (!this.#hidden.includes(entry.key) && !take(entry)) return true;
    }
    return false;
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transaction.done();
    this.#onClose();
  }
}
