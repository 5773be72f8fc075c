/** Where a person's time is spent best: what to label next, which labels to look at again, and which examples decide. */
export {
  type ExampleInfluence,
  type InfluenceOptions,
  type InfluenceRanking,
  type InfluenceTarget,
  rankInfluences,
} from './influence.ts';
export { type LabelErrorCandidate, type LabelErrorOptions, rankLabelErrors } from './label-errors.ts';
export { marginOf, type ReviewCandidate, type ReviewSuggestion, rankForReview } from './review-queue.ts';
