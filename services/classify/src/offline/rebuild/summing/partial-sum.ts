/**
 * Partial sums: each worker sums a part of the examples, and the merged parts equal the sum of a single
 * worker.
 */
import {
  createTrainingSet,
  deserializeTrainingSet,
  type LabelledVector,
  type TrainingSet,
  type TrainingSetOptions,
} from '@headwater/heads';

/** The partial sum of one worker. */
export class Share {
  readonly #set: TrainingSet;

  constructor(options: TrainingSetOptions) {
    this.#set = createTrainingSet(options);
  }

  /** Errors: statistics-mismatch, statistics-overflow. */
  add(examples: readonly LabelledVector[]): void {
    for (const example of examples) this.#set.add(example);
  }

  /** A serialized training set. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#set.serialize();
  }
}

/**
 * The set of all examples of all parts. Errors: statistics-mismatch where parts overlap, statistics-overflow.
 */
export function mergePartialSums(options: TrainingSetOptions, shares: Iterable<Uint8Array>): TrainingSet {
  const whole = createTrainingSet(options);
  for (const share of shares) whole.merge(deserializeTrainingSet(share));
  return whole;
}
