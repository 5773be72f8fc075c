/** Which kinds train on individual examples, where the others need sums and a sample, and on how many examples they train. */
import type { HeadKind } from '../api.ts';

/** Memory for the vectors, in bytes. */
const memory = 2 ** 27;
const maximumExamples = 65_536;

/** Whether settled heads of the kind train on more of a set than its sample. */
export function learnsFromExamples(kind: HeadKind): boolean {
  return kind === 'mlp' || kind === 'softmax';
}

/** Maximum number of training examples, those with the smallest sample keys, for vectors of this many dimensions. */
export function maximumLearnedExamples(dimensions: number): number {
  return Math.min(maximumExamples, Math.floor(memory / (2 * dimensions)));
}
