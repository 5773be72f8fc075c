/**
 * Tracks the status of images from the predictions and dead letters since the start of this process. Its memory is
 * bounded (the least recently used image is evicted first), so an unknown image may still be in the log.
 *
 * A prediction belongs to a request when image id and `receivedAt` are equal: extraction and join keep that time,
 * and no id gets the same time twice.
 */
import type { RecordPlace } from '@headwater/log';
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
  /** `source`: the vector of the prediction. */
  classified(prediction: ImageClassified, source?: RecordPlace): void;
  deadLettered(notice: DeadLetterNotice): void;
  /** To be called before the record is sent. */
  wait(image: { readonly id: string; readonly receivedAt: number }, complete: Complete): Wait;
  /** Ends every wait, so that a stop does not wait for them. */
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
    classified: (prediction, source) => {
      memory.classified(prediction, source);
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
