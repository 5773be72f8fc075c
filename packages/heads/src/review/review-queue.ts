/** Selects images to label next: those that the head cannot decide, and those unlike the training set. */
import { BoundedRanking } from '../measurements/bounded-ranking.ts';
import { compareUtf8 } from '../numerics/utf8-order.ts';

/** An unlabelled image and its prediction. */
export interface ReviewCandidate {
  readonly imageId: string;
  readonly probabilities: Float64Array;
  /** A percentile in [0, 1]; null where the head has none. */
  readonly novelty: number | null;
}

export interface ReviewSuggestion {
  readonly imageId: string;
  /** The largest probability less the second largest, in [0, 1]: 0 where the head cannot decide. */
  readonly margin: number;
  readonly novelty: number | null;
  /** In [0, 1]; suggestions are ordered by it. */
  readonly priority: number;
}

/** Novelty is uniform while images are of known classes: only values above this percentile are informative. */
const noveltyFloor = 0.9;

/**
 * The most urgent candidates first; reads any number, keeps `limit`. The priority is the larger of 1 − margin ("margin
 * sampling", Scheffer, Decomain and Wrobel 2001) and the amount by which novelty exceeds its 90th percentile: an image unlike
 * the training set is worth a label regardless of the head's confidence. Ties are ordered by image id.
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
