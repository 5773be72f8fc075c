/**
 * Sums over examples do not care who adds up what: each worker adds up a share, and the shares come together as if one had
 * done it all.
 */
import {
  createTrainingSet,
  deserializeTrainingSet,
  type LabelledVector,
  type TrainingSet,
  type TrainingSetOptions,
} from '@headwater/heads';

/** What one worker adds up. */
export class Share {
  readonly #set: TrainingSet;

  constructor(options: TrainingSetOptions) {
    this.#set = createTrainingSet(options);
  }

  /** Errors: statistics-mismatch, statistics-overflow. */
  add(examples: readonly LabelledVector[]): void {
    for (const example of examples) this.#set.add(example);
  }

  /** A serialized labelled set. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#set.serialize();
  }
}

/** The set of all examples of all shares. Errors: statistics-mismatch where shares overlap, statistics-overflow. */
export function mergePartialSums(options: TrainingSetOptions, shares: Iterable<Uint8Array>): TrainingSet {
  const whole = createTrainingSet(options);
  for (const share of shares) whole.merge(deserializeTrainingSet(share));
  return whole;
}
