/** Selection for manual review: images to label next, labels to check again, and influential examples. */
export {
  type ExampleInfluence,
  type InfluenceOptions,
  type InfluenceRanking,
  type InfluenceTarget,
  rankInfluences,
} from './influence.ts';
export { type LabelErrorCandidate, type LabelErrorOptions, rankLabelErrors } from './label-errors.ts';
export { marginOf, type ReviewCandidate, type ReviewSuggestion, rankForReview } from './review-queue.ts';
