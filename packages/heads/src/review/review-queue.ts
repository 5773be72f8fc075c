/** What to label next: the images that the head can't decide, and those unlike anything it has learned. */
import { BoundedRanking } from '../measurements/bounded-ranking.ts';
import { compareUtf8 } from '../numerics/utf8-order.ts';

/** An image without a label, and what the head says of it. */
export interface ReviewCandidate {
  readonly imageId: string;
  readonly probabilities: Float64Array;
  /** A percentile in [0, 1]; null where the head has none. */
  readonly novelty: number | null;
}

export interface ReviewSuggestion {
  readonly imageId: string;
  /** The largest probability less the second largest, in [0, 1]: 0 where the head can't decide. */
  readonly margin: number;
  readonly novelty: number | null;
  /** In [0, 1]; what the order follows. */
  readonly priority: number;
}

/** Novelty is uniform while images are of the known kind: only what lies beyond this percentile says something. */
const noveltyFloor = 0.9;

/**
 * The candidates to ask about, the most urgent first; reads any number, remembers `limit`. The priority is the larger of 1 − margin
 * ("margin sampling", Scheffer, Decomain and Wrobel 2001) and of how far novelty is beyond its 90th percentile: an image that is like
 * nothing learned is worth a label however sure the head is of it. Ties are ordered by image id.
 */
export function rankForReview(candidates: Iterable<ReviewCandidate>, limit: number): ReviewSuggestion[] {
  const ranking = new BoundedRanking<ReviewSuggestion>(limit, (a, b) => {
    return b.priority - a.priority || compareUtf8(a.imageId, b.imageId);
  });
  for (const { imageId, probabilities, novelty } of candidates) {
    const margin = marginOf(probabilities);
    const strangeness = Math.max(0, ((novelty ?? 0) - noveltyFloor) / (1 - noveltyFloor));
    ranking.add({ imageId, margin, novelty, priority: Math.max(1 - margin, strangeness) });
  }
  return ranking.list();
}

/** The largest probability less the second largest; one for a head of a single class. */
export function marginOf(probabilities: Float64Array): number {
  let first = 0;
  let second = 0;
  for (const probability of probabilities) {
    if (probability > first) {
      second = first;
      first = probability;
    } else if (probability > second) second = probability;
  }
  return first - second;
}
