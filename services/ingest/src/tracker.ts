/**
 * Answers "where is my image?" by watching the answers go by: predictions and dead letters, from the moment this
 * process started. What it remembers is bounded (the least recently touched image is forgotten first), so an image
 * that it does not know may still be anywhere; the topics are the truth, this is a convenience.
 *
 * An answer belongs to a request when image id and `receivedAt` are the same: the record carries that time
 * through extraction and join, and no id gets the same time twice.
 */
import type { ImageClassified } from '@headwater/schemas';
import type { AcceptedImage } from './intake.ts';

/** Why an image came to nothing; `code` is one of the error table where the failing service gave one. */
export interface DeadLetterNotice {
  readonly imageId: string;
  /** Undefined where the record could not be read: it then counts for whatever is known under the id. */
  readonly receivedAt: number | undefined;
  readonly topic: string;
  readonly stage: string;
  readonly code: string;
  readonly reason: string;
  readonly timestamp: number;
}

export type TrackedStatus = 'accepted' | 'classified' | 'dead-lettered' | 'erased';

export interface TrackedImage {
  readonly id: string;
  /** Of the newest record under this id. */
  readonly receivedAt: number;
  /** Where this very process took the image in. */
  readonly accepted: AcceptedImage | undefined;
  readonly status: TrackedStatus;
  readonly predictions: readonly ImageClassified[];
  readonly deadLetter: DeadLetterNotice | undefined;
}

/** How the wait for one record ended. */
export type Outcome =
  | { readonly kind: 'classified'; readonly predictions: readonly ImageClassified[] }
  | { readonly kind: 'dead-lettered'; readonly deadLetter: DeadLetterNotice }
  | { readonly kind: 'timed-out' };

/** Says whether the predictions that came so far are all that is waited for. */
export type Complete = (predictions: readonly ImageClassified[]) => boolean;

export interface Wait {
  readonly outcome: Promise<Outcome>;
  /** Ends the wait as timed out. Idempotent. */
  cancel(): void;
}

export interface Tracker {
  readonly size: number;
  find(id: string): TrackedImage | undefined;
  accepted(image: AcceptedImage): void;
  erased(id: string): void;
  classified(prediction: ImageClassified): void;
  deadLettered(notice: DeadLetterNotice): void;
  /** To be called before the record is sent. */
  wait(image: { readonly id: string; readonly receivedAt: number }, complete: Complete): Wait;
  /** Ends every wait, so that a process that stops need not keep its clients. */
  close(): void;
}

interface Entry {
  receivedAt: number;
  accepted: AcceptedImage | undefined;
  erased: boolean;
  deadLetter: DeadLetterNotice | undefined;
  /** By task and extractor: a prediction that comes again replaces itself. */
  readonly predictions: Map<string, ImageClassified>;
}

interface Waiter {
  readonly receivedAt: number;
  readonly predictions: Map<string, ImageClassified>;
  readonly complete: Complete;
  readonly end: (outcome: Outcome) => void;
}

const keyOf = ({ task, extractor }: ImageClassified) => `${extractor}/${task}`;

/** `capacity`: images remembered. */
export function createTracker(capacity: number): Tracker {
  const entries = new Map<string, Entry>();
  const waiters = new Map<string, Set<Waiter>>();

  const remember = (id: string, entry: Entry): Entry => {
    entries.delete(id);
    entries.set(id, entry);
    if (entries.size > capacity) {
      const oldest = entries.keys().next();
      if (!oldest.done) entries.delete(oldest.value);
    }
    return entry;
  };

  /** The entry of a record, started afresh when the record is newer; undefined when a newer one is known. */
  const touch = (id: string, receivedAt: number): Entry | undefined => {
    const known = entries.get(id);
    if (known && known.receivedAt > receivedAt) return undefined;
    if (known && known.receivedAt === receivedAt) return remember(id, known);
    return remember(id, {
      receivedAt,
      accepted: undefined,
      erased: false,
      deadLetter: undefined,
      predictions: new Map(),
    });
  };

  const waitersOf = (id: string, receivedAt: number | undefined): Waiter[] =>
    [...(waiters.get(id) ?? [])].filter(
      (waiter) => receivedAt === undefined || waiter.receivedAt === receivedAt,
    );

  return {
    get size() {
      return entries.size;
    },
    find(id) {
      const entry = entries.get(id);
      return entry && snapshot(id, entry);
    },
    accepted(image) {
      const entry = touch(image.id, image.receivedAt);
      if (entry) entry.accepted = image;
    },
    erased(id) {
      const entry = entries.get(id);
      if (!entry) return;
      entry.erased = true;
      entry.predictions.clear();
    },
    classified(prediction) {
      const { imageId: id, receivedAt } = prediction;
      touch(id, receivedAt)?.predictions.set(keyOf(prediction), prediction);
      for (const waiter of waitersOf(id, receivedAt)) {
        waiter.predictions.set(keyOf(prediction), prediction);
        const predictions = [...waiter.predictions.values()];
        if (waiter.complete(predictions)) waiter.end({ kind: 'classified', predictions });
      }
    },
    deadLettered(notice) {
      const { imageId: id, receivedAt } = notice;
      const entry = touch(id, receivedAt ?? entries.get(id)?.receivedAt ?? notice.timestamp);
      if (entry) entry.deadLetter = notice;
      for (const waiter of waitersOf(id, receivedAt)) {
        waiter.end({ kind: 'dead-lettered', deadLetter: notice });
      }
    },
    wait({ id, receivedAt }, complete) {
      let end: (outcome: Outcome) => void = () => {};
      const ended = new Promise<Outcome>((resolve) => {
        end = resolve;
      });
      const waiter: Waiter = { receivedAt, predictions: new Map(), complete, end };
      const siblings = waiters.get(id) ?? new Set();
      waiters.set(id, siblings.add(waiter));
      const outcome = ended.then((value) => {
        siblings.delete(waiter);
        if (siblings.size === 0 && waiters.get(id) === siblings) waiters.delete(id);
        return value;
      });
      return { outcome, cancel: () => end({ kind: 'timed-out' }) };
    },
    close() {
      for (const siblings of waiters.values()) {
        for (const waiter of siblings) waiter.end({ kind: 'timed-out' });
      }
    },
  };
}

function snapshot(
  id: string,
  { receivedAt, accepted, erased, deadLetter, predictions }: Entry,
): TrackedImage {
  const known = [...predictions.values()];
  return { id, receivedAt, accepted, status: statusOf(), predictions: known, deadLetter };

  function statusOf(): TrackedStatus {
    if (erased) return 'erased';
    if (known.length > 0) return 'classified';
    return deadLetter ? 'dead-lettered' : 'accepted';
  }
}
