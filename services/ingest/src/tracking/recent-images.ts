/** An LRU cache of images, with the newest record of each. */
import type { RecordPlace } from '@headwater/log';
import type { ImageClassified } from '@headwater/schemas';
import type { AcceptedImage } from '../intake/intake.ts';
import type { DeadLetterNotice, TrackedImage, TrackedStatus } from './tracked-image.ts';

interface Entry {
  readonly receivedAt: number;
  accepted: AcceptedImage | undefined;
  erased: boolean;
  source: RecordPlace | undefined;
  deadLetter: DeadLetterNotice | undefined;
  /** By extractor and task: a repeated prediction replaces the one before. */
  readonly predictions: Map<string, ImageClassified>;
}

export class RecentImages {
  readonly #capacity: number;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  find(id: string): TrackedImage | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    const { receivedAt, accepted, deadLetter, source } = entry;
    const predictions = [...entry.predictions.values()];
    return { id, receivedAt, accepted, status: statusOf(entry), source, predictions, deadLetter };
  }

  accepted(image: AcceptedImage): void {
    const entry = this.#touch(image.id, image.receivedAt);
    if (entry) entry.accepted = image;
  }

  erased(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.erased = true;
    entry.predictions.clear();
  }

  classified(prediction: ImageClassified, source?: RecordPlace): void {
    const { imageId, receivedAt, extractor, task } = prediction;
    const entry = this.#touch(imageId, receivedAt);
    if (entry === undefined) return;
    entry.predictions.set(`${extractor}/${task}`, prediction);
    entry.source = source;
  }

  deadLettered(notice: DeadLetterNotice): void {
    const { imageId: id, timestamp } = notice;
    const entry = this.#touch(id, notice.receivedAt ?? this.#entries.get(id)?.receivedAt ?? timestamp);
    if (entry) entry.deadLetter = notice;
  }

  /** The entry of a record, a new one for a newer record; undefined when a newer one is known. */
  #touch(id: string, receivedAt: number): Entry | undefined {
    const known = this.#entries.get(id);
    if (known && known.receivedAt > receivedAt) return undefined;
    const entry = known?.receivedAt === receivedAt ? known : startEntry(receivedAt);
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    this.#forgetOldest();
    return entry;
  }

  #forgetOldest(): void {
    if (this.#entries.size <= this.#capacity) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}

function startEntry(receivedAt: number): Entry {
  return {
    receivedAt,
    accepted: undefined,
    erased: false,
    source: undefined,
    deadLetter: undefined,
    predictions: new Map(),
  };
}

function statusOf({ erased, predictions, deadLetter }: Entry): TrackedStatus {
  if (erased) return 'erased';
  if (predictions.size > 0) return 'classified';
  return deadLetter ? 'dead-lettered' : 'accepted';
}
