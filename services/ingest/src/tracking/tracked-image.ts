/** The known state of an accepted image. */
import type { RecordPlace } from '@headwater/log';
import type { ImageClassified } from '@headwater/schemas';
import type { AcceptedImage } from '../intake/intake.ts';

/** The dead letter of an image; `code` is one of the error table where the failing service set one. */
export interface DeadLetterNotice {
  readonly imageId: string;
  /** Undefined where the record could not be read: the notice then applies to any record of the id. */
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
  /** Set where this process accepted the image. */
  readonly accepted: AcceptedImage | undefined;
  readonly status: TrackedStatus;
  /** The vector of the newest prediction. */
  readonly source?: RecordPlace | undefined;
  readonly predictions: readonly ImageClassified[];
  readonly deadLetter: DeadLetterNotice | undefined;
}
