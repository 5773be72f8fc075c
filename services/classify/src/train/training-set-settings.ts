/**
 * The settings of training sets and solves in one place: the trainer, a backfill and a rebuild must reach
 * equal digests from the same configuration.
 */
import { HeadwaterError } from '@headwater/errors';
import type { HeadKind, TrainingSetOptions } from '@headwater/heads';
import type { ClassifyConfig } from '../environment.ts';
import type { ExampleWindow } from './examples/example-window.ts';

/** Limits and transformation of training sets; by default no limit, and the vectors themselves. */
export interface TrainingSetSettings {
  /** Only examples inside it are in the training set; the store keeps all of them. */
  readonly window?: ExampleWindow | undefined;
  readonly maxSets?: number;
  /** Maximum number of examples of a set, including those outside the window. */
  readonly maxExamples?: number;
  /** Dimensions of the random feature expansion of vectors; null: none. */
  readonly lift?: number | null;
}

/** The settings with which heads are solved. */
export interface SolveSettings {
  readonly prior: 'uniform' | 'empirical';
  /** Units of the hidden layer of heads of kind `mlp`. */
  readonly units: number;
}

/** The settings of each task's sets. */
export type TrainingSetSettingsOf = (task: string) => TrainingSetSettings;

type Settings = Pick<
  ClassifyConfig,
  'WINDOW' | 'MAX_TASKS' | 'EXTRACTORS' | 'MAX_EXAMPLES' | 'LIFT' | 'PRIOR' | 'MLP_UNITS'
>;

/** More could not be summed exactly (see `maximumExamples` of the heads). */
const mostExamples = 2 ** 27;
const mostLiftedExamples = 2 ** 26;

export function trainingSetSettingsOf(
  config: Settings,
): TrainingSetSettings & { readonly maxExamples: number } {
  const { WINDOW: window, LIFT: lift = null, MAX_TASKS, EXTRACTORS, MAX_EXAMPLES } = config;
  const most = lift === null ? mostExamples : mostLiftedExamples;
  const maxExamples = Math.min(MAX_EXAMPLES ?? most, most);
  return { window, lift, maxSets: MAX_TASKS * EXTRACTORS.length, maxExamples };
}

export function solveSettingsOf({ PRIOR, MLP_UNITS }: Settings): SolveSettings {
  return { prior: PRIOR, units: MLP_UNITS };
}

/** All that a head of the kind depends on beside its examples, for comparison. */
export function choicesOf(
  kind: HeadKind,
  { prior, units, lift = null }: SolveSettings & Pick<TrainingSetSettings, 'lift'>,
): string {
  return JSON.stringify({ prior, lift, ...(kind === 'mlp' ? { units } : {}) });
}

/** Options of `createTrainingSet`. */
export function setOptionsOf(
  set: Pick<TrainingSetOptions, 'extractor' | 'task' | 'dimensions'>,
  { lift = null }: TrainingSetSettings,
): TrainingSetOptions {
  const { extractor, task, dimensions } = set;
  return { extractor, task, dimensions, lift };
}

/**
 * Passes examples on up to the limit of a set. Beyond it, which ones the trainer rejected depends on their
 * order, so the set cannot be reproduced. Errors: statistics-overflow.
 */
export async function* withinLimit<T>(
  examples: AsyncIterable<T>,
  { maxExamples }: TrainingSetSettings,
): AsyncGenerator<T> {
  let count = 0;
  for await (const example of examples) {
    count++;
    if (maxExamples !== undefined && count > maxExamples) throw tooMany(maxExamples);
    yield example;
  }
}

export function tooMany(maxExamples: number): HeadwaterError {
  const message = `a training set holds at most ${maxExamples} examples (MAX_EXAMPLES, limited to what can be summed exactly)`;
  return new HeadwaterError('statistics-overflow', message, { verdict: 'dead-letter' });
}
