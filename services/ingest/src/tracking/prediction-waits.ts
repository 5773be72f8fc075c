/**
 * Requests that wait for the outcome of one record. Each keeps its own predictions, so that a wait does not depend on
 * the cache of recent images.
 */
import type { ImageClassified } from '@headwater/schemas';
import type { DeadLetterNotice } from './tracked-image.ts';

/** How the wait for one record ended. */
type Outcome =
  | { readonly kind: 'classified'; readonly predictions: readonly ImageClassified[] }
  | { readonly kind: 'dead-lettered'; readonly deadLetter: DeadLetterNotice }
  | { readonly kind: 'timed-out' };

/** Whether these predictions complete the wait. */
export type Complete = (predictions: readonly ImageClassified[]) => boolean;

export interface Wait {
  readonly outcome: Promise<Outcome>;
  /** Ends the wait as timed out. Idempotent. */
  cancel(): void;
}

interface Waiter {
  readonly receivedAt: number;
  /** By extractor and task: a repeated prediction replaces the one before. */
  readonly predictions: Map<string, ImageClassified>;
  readonly complete: Complete;
  readonly end: (outcome: Outcome) => void;
}

export class PredictionWaits {
  readonly #waiters = new Map<string, Set<Waiter>>();
  #closed = false;

  open({ id, receivedAt }: { readonly id: string; readonly receivedAt: number }, complete: Complete): Wait {
    let end: (outcome: Outcome) => void = () => {};
    const ended = new Promise<Outcome>((resolve) => {
      end = resolve;
    });
    const waiter: Waiter = { receivedAt, predictions: new Map(), complete, end };
    this.#waiters.set(id, (this.#waiters.get(id) ?? new Set()).add(waiter));
    const outcome = ended.finally(() => this.#remove(id, waiter));
    if (this.#closed) end({ kind: 'timed-out' });
    return { outcome, cancel: () => end({ kind: 'timed-out' }) };
  }

  classified(prediction: ImageClassified): void {
    const { imageId, receivedAt, extractor, task } = prediction;
    for (const { predictions, complete, end } of this.#find(imageId, receivedAt)) {
      predictions.set(`${extractor}/${task}`, prediction);
      const known = [...predictions.values()];
      if (complete(known)) end({ kind: 'classified', predictions: known });
    }
  }

  deadLettered(deadLetter: DeadLetterNotice): void {
    const { imageId, receivedAt } = deadLetter;
    for (const { end } of this.#find(imageId, receivedAt)) end({ kind: 'dead-lettered', deadLetter });
  }

  /** Ends all waits, also those that are opened later. */
  close(): void {
    this.#closed = true;
    for (const siblings of this.#waiters.values()) {
      for (const { end } of siblings) end({ kind: 'timed-out' });
    }
  }

  /** The waits for one record; all waits for the id where the record is unknown. */
  #find(id: string, receivedAt: number | undefined): Waiter[] {
    const siblings = this.#waiters.get(id);
    if (!siblings) return [];
    return [...siblings].filter((waiter) => receivedAt === undefined || waiter.receivedAt === receivedAt);
  }

  #remove(id: string, waiter: Waiter): void {
    const siblings = this.#waiters.get(id);
    siblings?.delete(waiter);
    if (siblings?.size === 0) this.#waiters.delete(id);
  }
}
