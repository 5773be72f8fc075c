/**
 * What a labelled set is, and how heads are solved of it, in one place: the trainer, a backfill and a rebuild must come to the same set
 * from the same configuration, or their digests say nothing of each other.
 */
import { HeadwaterError } from '@headwater/errors';
import type { HeadKind, TrainingSetOptions } from '@headwater/heads';
import type { ClassifyConfig } from '../environment.ts';
import type { ExampleWindow } from './examples/example-window.ts';

/** What bounds labelled sets, and what their sums are of; nothing, and the vectors themselves, by default. */
export interface TrainingSetSettings {
  /** Only examples inside of it are in the labelled set; all of them stay in the store. */
  readonly window?: ExampleWindow | undefined;
  readonly maxSets?: number;
  /** Examples of a set, the ones outside of a window too. */
  readonly maxExamples?: number;
  /** Dimensions of the lift that vectors go through; null: none. */
  readonly lift?: number | null;
}

/** With which choices heads are solved. */
export interface SolveSettings {
  readonly prior: 'uniform' | 'empirical';
  /** Of the hidden layer of heads of kind `mlp`. */
  readonly units: number;
}

/** The rules of each task's sets. */
export type TrainingSetSettingsOf = (task: string) => TrainingSetSettings;

type Settings = Pick<
  ClassifyConfig,
  'WINDOW' | 'MAX_TASKS' | 'EXTRACTORS' | 'MAX_EXAMPLES' | 'LIFT' | 'PRIOR' | 'MLP_UNITS'
>;

/** More would not be summed exactly (see `maximumExamples` of the heads). */
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

/** All that a head of the kind depends on beside the examples inside of the set, for comparing. */
export function choicesOf(
  kind: HeadKind,
  { prior, units, lift = null }: SolveSettings & Pick<TrainingSetSettings, 'lift'>,
): string {
  return JSON.stringify({ prior, lift, ...(kind === 'mlp' ? { units } : {}) });
}

/** As a set of these rules is made. */
export function setOptionsOf(
  set: Pick<TrainingSetOptions, 'extractor' | 'task' | 'dimensions'>,
  { lift = null }: TrainingSetSettings,
): TrainingSetOptions {
  const { extractor, task, dimensions } = set;
  return { extractor, task, dimensions, lift };
}

/**
 * The examples, while they are not more than a set may hold. Which ones the trainer refused beyond that depends on their order, so that
 * nobody can come to its set again. Errors: statistics-overflow.
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
  const message = `A labelled set holds at most ${maxExamples} examples (MAX_EXAMPLES, and as many as are summed exactly)`;
  return new HeadwaterError('statistics-overflow', message, { verdict: 'dead-letter' });
}
