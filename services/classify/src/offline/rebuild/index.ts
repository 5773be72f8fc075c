/** Rebuilds heads and examples from the topics, and compares them with the published ones. */
export type { OnProgress, Progress } from '../progress.ts';
export {
  type BackfillOptions,
  type BackfillReport,
  type BackfillVerdict,
  backfill,
  verdictOf,
} from './backfill.ts';
export { type ExampleSet, type ExampleSetsOptions, readExampleSets } from './example-sets.ts';
export type { HeadComparison, HeadOutcome } from './head-comparison.ts';
export type { TableComparison } from './table-comparison.ts';
