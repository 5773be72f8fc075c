/** What a kind of head must do; one file in heads/ does it for each kind. */
import type { Classifier, Head, LabelledVector } from '../api.ts';
import type { Problem } from './training-problem.ts';

export interface TrainedHead {
  /** Versioned bytes that `open` understands. */
  readonly parameters: Uint8Array;
  /** Null where nothing was to be regularized. */
  readonly regularization: number | null;
  readonly temperature: number;
  readonly measurements: Readonly<Record<string, number>>;
}

/**
 * Examples of the set with the smallest sample keys, ascending, at most so many; their vectors are what the statistics are of.
 * Errors: sample-incomplete.
 */
export type ReadExamples = (most: number) => readonly LabelledVector[];

export interface HeadFamily {
  /**
   * The same bits for the same problem, on every machine. `readExamples` is for kinds that learn from examples one by one, `discriminant`,
   * what kind `lda` makes of the problem, for those that start from it.
   */
  train(problem: Problem, readExamples: ReadExamples, discriminant: () => TrainedHead): TrainedHead;
  /** Errors: head-invalid. */
  open(head: StoredHead): Classifier;
}

export type StoredHead = Pick<Head, 'kind' | 'classes' | 'dimensions' | 'parameters'>;
