/** The contract between heads and the service that trains and serves them. Everything is pure: no I/O, no clock, no randomness. */
export type HeadKind = 'lda' | 'ridge' | 'ncm' | 'softmax' | 'mlp' | 'knn';
export type HeadMode = 'provisional' | 'settled';

/** One labelled vector; the vector is the quantised unit vector (int16, 2^13 = 1.0). */
export interface LabelledVector {
  readonly imageId: string;
  readonly label: string;
  readonly group: string | null;
  readonly vector: Int16Array;
}

/**
 * The additive state for one (extractor, task): counts n, sums s, Gram matrix G, the set digest, and the sample for
 * leave-one-out. All values are integers, so order, batching, merging and removal change no bit.
 *
 * The sample is the (at most 2,000) examples with the smallest `sampleKey`. To survive removals, the set holds a reserve of
 * twice that size. When removals have used up the reserve, `needsRefill` becomes true, and the owner, which keeps every
 * example, calls `refill` with its examples in the order of their keys. While the set has at most 4,000 examples this never
 * happens. Memory is bounded by the reserve.
 */
export interface TrainingSet {
  readonly extractor: string;
  readonly task: string;
  readonly dimensions: number;
  readonly examples: number;
  /** Class to count, ordered by UTF-8 bytes; a class disappears with its last example. */
  readonly classes: ReadonlyMap<string, number>;
  /** Sum modulo 2^256 of the examples' SHA-256, hex. */
  readonly setDigest: string;
  /** True when the sample is incomplete; `serialize` and `trainHead` then throw sample-incomplete until `refill` is called. */
  readonly needsRefill: boolean;
  /**
   * Each image id may occur at most once: to correct an example, `remove` the old one, then `add` the new one. An error leaves
   * the set unchanged. Errors: statistics-mismatch (dimensions, values out of range, an image already in the reserve),
   * statistics-overflow.
   */
  add(example: LabelledVector): void;
  /**
   * Removes exactly what `add` added; the caller passes the same image id, label, group and vector. Errors: statistics-mismatch
   * (where the set can detect that it does not hold this example).
   */
  remove(example: LabelledVector): void;
  /** Adds another set of the same extractor and task, disjoint from this one. The other set is unchanged. */
  merge(other: TrainingSet): void;
  /**
   * Makes the sample complete again from the examples now in the set, in ascending order of `sampleKey` (bytes). It reads only
   * as many as it keeps (4,000), so pass a lazy iterable. Errors: statistics-mismatch (out of order, or too few).
   */
  refill(examplesByKey: Iterable<LabelledVector>): void;
  /**
   * Returns versioned bytes in their own ArrayBuffer (transferable): a pure function of the set. Errors: sample-incomplete. A
   * deserialized set has no reserve beyond the sample: where the set is larger than the sample, a removal from the sample
   * requires a refill.
   */
  serialize(): Uint8Array<ArrayBuffer>;
}

/** A trained head, ready to be published: its definition and its provenance. */
export interface Head {
  readonly kind: HeadKind;
  readonly mode: HeadMode;
  readonly classes: readonly string[];
  readonly dimensions: number;
  readonly examples: number;
  /** Versioned bytes; together with `kind` and `classes`, all that `openHead` needs. */
  readonly parameters: Uint8Array;
  /** SHA-256 of kind, mode, classes and parameters, hex. */
  readonly digest: string;
  readonly setDigest: string;
  /** `arithmeticOf` its kind at the time of training: heads of one set are comparable where this number is the same. */
  readonly arithmetic: number;
  readonly regularization: number | null;
  readonly temperature: number;
  /** Leave-one-out figures and similar. */
  readonly measurements: Readonly<Record<string, number>>;
}

export interface TrainOptions {
  readonly kind: HeadKind;
  readonly mode: HeadMode;
  /** Class prior: uniform (default), as in the training set, or given weights (1 for a class that is not listed). */
  readonly prior?: 'uniform' | 'empirical' | Readonly<Record<string, number>>;
}

export interface HeadPrediction {
  readonly label: string;
  /** In the order of the head's classes; sums to 1. */
  readonly probabilities: Float64Array;
  /**
   * Share of the examples, each scored without itself, that are less novel than this vector; null where the head cannot measure
   * novelty.
   */
  readonly novelty: number | null;
}

/** A head that is ready to predict. */
export interface Classifier {
  readonly kind: HeadKind;
  readonly classes: readonly string[];
  readonly dimensions: number;
  /** Errors: vector-wrong-dimensions. */
  predict(vector: Int16Array): HeadPrediction;
}
