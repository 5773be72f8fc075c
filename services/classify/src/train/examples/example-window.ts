/**
 * Limits a training set to the newest examples by count, or by a time span that ends at the newest example
 * (not at the clock, so that heads are reproducible). Membership depends only on the stored examples, not on
 * their order: a retraction of the newest can bring an older one back.
 */
import type { LabelledVector } from '@headwater/heads';
import type { Draft } from '../../store/state.ts';
import {
  decodeExample,
  exampleKey,
  type StoredExample,
  timeDigits,
  timePosition,
  timesPrefix,
} from './example-bytes.ts';

export type ExampleWindow =
  | { readonly newest: number }
  /** Milliseconds before the newest example's assignedAt. */
  | { readonly span: number };

export interface WindowInput {
  readonly id: string;
  readonly set: { readonly inside: number; readonly from: string };
  readonly removed: StoredExample | null;
  readonly added: StoredExample | null;
  readonly window: ExampleWindow;
}

export interface WindowMove {
  readonly inside: number;
  readonly from: string;
  readonly change: {
    readonly removed: LabelledVector | null;
    readonly added: LabelledVector | null;
    readonly expired: readonly LabelledVector[];
    readonly returned: readonly LabelledVector[];
  };
}

/** Updates the window after the example was put into the store. */
export function moveWindow(draft: Draft, input: WindowInput): WindowMove {
  const move = new Move(draft, input);
  if ('newest' in input.window) move.holdNewest(input.window.newest);
  else move.holdSpan(input.window.span);
  return move.result();
}

export function isNothing({ change }: WindowMove): boolean {
  const { removed, added, expired, returned } = change;
  return removed === null && added === null && expired.length === 0 && returned.length === 0;
}

class Move {
  readonly #draft: Draft;
  readonly #prefix: string;
  readonly #removed: StoredExample | null;
  /** By image: examples that entered the window, and those that left it. */
  readonly #entered = new Map<string, StoredExample>();
  readonly #left = new Map<string, StoredExample>();
  readonly #ownId: string;
  #inside: number;
  #from: string;

  constructor(draft: Draft, { id, set, removed, added }: WindowInput) {
    this.#draft = draft;
    this.#prefix = timesPrefix(id);
    this.#inside = set.inside;
    this.#from = set.from;
    this.#ownId = (added ?? removed)?.imageId ?? '';
    this.#removed = removed !== null && this.#isInside(removed) ? removed : null;
    if (this.#removed !== null) this.#inside--;
    if (removed !== null) draft.put(this.#prefix + timePosition(removed), null);
    if (added === null) return;
    draft.put(this.#prefix + timePosition(added), Buffer.from(exampleKey(id, added)));
    if (this.#isInside(added)) this.#enter(added);
  }

  holdNewest(count: number): void {
    while (this.#inside > count) {
      const [oldest] = this.#take({ from: this.#prefix + this.#from });
      if (oldest === undefined) return;
      this.#leave(oldest);
      this.#from = `${timePosition(oldest)}+`;
    }
    while (this.#inside < count) {
      const [next] = this.#take({ from: this.#prefix + this.#from, descending: true });
      if (next === undefined) return;
      this.#enter(next);
      this.#from = timePosition(next);
    }
  }

  holdSpan(milliseconds: number): void {
    const [newest] = this.#take({ descending: true });
    const from = newest === undefined ? '' : timeDigits(newest.assignedAt - milliseconds + 1);
    const [low, high] = from < this.#from ? [from, this.#from] : [this.#from, from];
    for (const { key, value } of this.#draft.range(this.#prefix, { from: this.#prefix + low })) {
      if (key.slice(this.#prefix.length) >= high) break;
      const example = this.#read(value);
      if (from < this.#from) this.#enter(example);
      else this.#leave(example);
    }
    this.#from = from;
  }

  result(): WindowMove {
    const added = this.#entered.get(this.#ownId) ?? null;
    this.#entered.delete(this.#ownId);
    this.#left.delete(this.#ownId);
    const [expired, returned] = [[...this.#left.values()], [...this.#entered.values()]];
    return {
      inside: this.#inside,
      from: this.#from,
      change: { removed: this.#removed, added, expired, returned },
    };
  }

  #isInside(example: StoredExample): boolean {
    return timePosition(example) >= this.#from;
  }

  #enter(example: StoredExample): void {
    this.#inside++;
    if (!this.#left.delete(example.imageId)) this.#entered.set(example.imageId, example);
  }

  #leave(example: StoredExample): void {
    this.#inside--;
    if (!this.#entered.delete(example.imageId)) this.#left.set(example.imageId, example);
  }

  /** Returns at most one. */
  *#take(options: { readonly from?: string; readonly descending?: boolean }): Iterable<StoredExample> {
    for (const { value } of this.#draft.range(this.#prefix, options)) {
      yield this.#read(value);
      return;
    }
  }

  #read(key: Buffer): StoredExample {
    const bytes = this.#draft.get(key.toString('utf8'));
    if (bytes === undefined) throw new Error('a stored example is missing');
    return decodeExample(bytes);
  }
}
