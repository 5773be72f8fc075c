/** The contract of a kind of head; each kind has a folder here that implements it. */
import type { Classifier, Head, LabelledVector } from '../api.ts';
import type { TrainingProblem } from './training-problem.ts';

export interface TrainedHead {
  /** Versioned bytes that `open` can read. */
  readonly parameters: Uint8Array;
  /** Null where there was nothing to regularize. */
  readonly regularization: number | null;
  readonly temperature: number;
  readonly measurements: Readonly<Record<string, number>>;
}

/**
 * Returns at most `most` examples of the set, those with the smallest sample keys, ascending. Their vectors are in the space of
 * the statistics. Errors: sample-incomplete.
 */
export type ReadExamples = (most: number) => readonly LabelledVector[];

export interface HeadFamily {
  /**
   * Gives the same bits for the same problem on every machine. `readExamples` is for kinds that train on individual examples,
   * `discriminant`, the head of kind `lda` for the problem, for those that start from it.
   */
  train(problem: TrainingProblem, readExamples: ReadExamples, discriminant: () => TrainedHead): TrainedHead;
  /** Errors: head-invalid. */
  open(head: StoredHead): Classifier;
}

export type StoredHead = Pick<Head, 'kind' | 'classes' | 'dimensions' | 'parameters'>;
