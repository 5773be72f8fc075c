/** What is known of an image that was accepted. */
import type { ImageClassified } from '@headwater/schemas';
import type { AcceptedImage } from '../intake/intake.ts';

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
