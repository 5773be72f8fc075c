/**
 * Answers "where is my image?" by watching the answers go by: predictions and dead letters, from the moment this
 * process started. What it remembers is bounded (the least recently touched image is forgotten first), so an image
 * that it does not know may still be anywhere; the topics are the truth, this is a convenience.
 *
 * An answer belongs to a request when image id and `receivedAt` are the same: the record carries that time
 * through extraction and join, and no id gets the same time twice.
 */

import type { ImageClassified } from '@headwater/schemas';
import type { AcceptedImage } from '../intake/intake.ts';
import { type Complete, PredictionWaits, type Wait } from './prediction-waits.ts';
import { RecentImages } from './recent-images.ts';
import type { DeadLetterNotice, TrackedImage } from './tracked-image.ts';

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

/** `capacity`: images remembered. */
export function createTracker(capacity: number): Tracker {
  const memory = new RecentImages(capacity);
  const waits = new PredictionWaits();
  return {
    get size() {
      return memory.size;
    },
    find: (id) => memory.find(id),
    accepted: (image) => memory.accepted(image),
    erased: (id) => memory.erased(id),
    classified: (prediction) => {
      memory.classified(prediction);
      waits.classified(prediction);
    },
    deadLettered: (notice) => {
      memory.deadLettered(notice);
      waits.deadLettered(notice);
    },
    wait: (image, complete) => waits.open(image, complete),
    close: () => waits.close(),
  };
}
