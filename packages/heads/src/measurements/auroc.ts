/** How well a score separates two classes, without a threshold. */
export interface ScoredCase {
  readonly score: number;
  readonly positive: boolean;
}

/**
 * Area under the ROC curve: the probability that a random positive scores above a random negative, ties counting half (the
 * Mann–Whitney statistic, from mean ranks). Null where one of the two classes is missing.
 */
export function auroc(cases: readonly ScoredCase[]): number | null {
  const sorted = [...cases].sort((a, b) => a.score - b.score);
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    let tied = 0;
    while (end < sorted.length && sorted[end]?.score === sorted[start]?.score) {
      tied += Number(sorted[end]?.positive);
      end++;
    }
    positives += tied;
    rankSum += tied * ((start + 1 + end) / 2);
    start = end;
  }
  const negatives = sorted.length - positives;
  if (positives === 0 || negatives === 0) return null;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
