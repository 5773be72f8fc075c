/** What a kind of head must do; one file in heads/ does it for each kind. */
import type { Classifier, Head } from './api.ts';
import type { Problem } from './problem.ts';

export interface TrainedHead {
  /** Versioned bytes that `open` understands. */
  readonly parameters: Uint8Array;
  /** Null where nothing was to be regularized. */
  readonly regularization: number | null;
  readonly temperature: number;
  readonly measurements: Readonly<Record<string, number>>;
}

export interface HeadFamily {
  /** The same bits for the same problem, on every machine. */
  train(problem: Problem): TrainedHead;
  /** Errors: head-invalid. */
  open(head: StoredHead): Classifier;
}

export type StoredHead = Pick<Head, 'kind' | 'classes' | 'dimensions' | 'parameters'>;
