/** What a head is to the service that trains and serves it. Pure: no I/O, no clock, no randomness. */

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
 * The additive state for one (extractor, task): counts n, sums s, Gram matrix G, the set digest, and the sample for leave-one-out
 * (the examples with the smallest hashes). All integer, so order, batching, merging and removal change no bit.
 */
export interface LabelledSet {
  readonly extractor: string;
  readonly task: string;
  readonly dimensions: number;
  readonly examples: number;
  /** Class to count, ordered by UTF-8 bytes; a class disappears with its last example. */
  readonly classes: ReadonlyMap<string, number>;
  /** Sum modulo 2^256 of the examples' SHA-256, hex. */
  readonly setDigest: string;
  /** Errors: statistics-mismatch, statistics-overflow. */
  add(example: LabelledVector): void;
  /** Takes out exactly what `add` put in; the caller states the same label, group and vector. */
  remove(example: LabelledVector): void;
  /** Adds another set of the same extractor and task, disjoint from this one. */
  merge(other: LabelledSet): void;
  /** Versioned bytes. */
  serialize(): Uint8Array;
}

/** A trained head, ready to be published: its definition and where it came from. */
export interface Head {
  readonly kind: HeadKind;
  readonly mode: HeadMode;
  readonly classes: readonly string[];
  readonly dimensions: number;
  readonly examples: number;
  /** Versioned bytes; with `kind` and `classes` all that `openHead` needs. */
  readonly parameters: Uint8Array;
  /** SHA-256 of kind, mode, classes and parameters, hex. */
  readonly digest: string;
  readonly setDigest: string;
  readonly regularization: number | null;
  readonly temperature: number;
  /** Leave-one-out figures and the like. */
  readonly measurements: Readonly<Record<string, number>>;
}

export interface TrainOptions {
  readonly kind: HeadKind;
  readonly mode: HeadMode;
  readonly prior?: 'uniform' | 'empirical';
}

export interface HeadPrediction {
  readonly label: string;
  /** In the order of the head's classes; sums to 1. */
  readonly probabilities: Float64Array;
  readonly novelty: number | null;
}

/** A head made ready to predict. */
export interface Classifier {
  readonly kind: HeadKind;
  readonly classes: readonly string[];
  readonly dimensions: number;
  /** Errors: vector-wrong-dimensions. */
  predict(vector: Int16Array): HeadPrediction;
}
