/**
 * Numbers of the records that were passed to the log: each sender counts from 0, and one call takes a range.
 * A resolved call is acknowledged; after a rejected one it is unknown whether its records are in the log.
 */
export interface Call {
  readonly sender: string;
  /** The first number. */
  readonly first: number;
  readonly count: number;
  readonly isAcknowledged: boolean;
  /** All of its records are in the log, or none. */
  readonly isAtomic: boolean;
}

export class Ledger {
  readonly calls: Call[] = [];
  readonly #next = new Map<string, number>();
  readonly #acknowledged = { idempotent: 0, transactional: 0 };
  #doubtful = 0;

  /** Takes this many numbers, and returns the first. */
  take(sender: string, count: number): number {
    const first = this.#next.get(sender) ?? 0;
    this.#next.set(sender, first + count);
    return first;
  }

  enter(call: Call): void {
    this.calls.push(call);
    if (!call.isAcknowledged) this.#doubtful += call.count;
    else this.#acknowledged[call.isAtomic ? 'transactional' : 'idempotent'] += call.count;
  }

  /** Records whose call resolved. */
  get acknowledged(): { readonly idempotent: number; readonly transactional: number } {
    return { ...this.#acknowledged };
  }

  /** Records whose call rejected. */
  get doubtful(): number {
    return this.#doubtful;
  }
}

export const numberedValue = (sender: string, number: number): Buffer => Buffer.from(`${sender} ${number}`);
