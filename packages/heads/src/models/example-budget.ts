/** Some kinds learn examples one by one, where the others need sums and a sample: which ones, and how many examples they learn. */
import type { HeadKind } from '../api.ts';

/** Of the vectors, in bytes. */
const memory = 2 ** 27;
const mostExamples = 65_536;

/** Whether settled heads of the kind learn more of a set than its sample. */
export function learnsFromExamples(kind: HeadKind): boolean {
  return kind === 'mlp' || kind === 'softmax';
}

/** The most of them, those with the smallest sample keys, where vectors have so many dimensions. */
export function maximumLearnedExamples(dimensions: number): number {
  return Math.min(mostExamples, Math.floor(memory / (2 * dimensions)));
}
