/**
 * A head that may abstain trades coverage for accuracy. The curve shows the trade-off; the threshold selects the point where
 * predictions keep a requested error rate.
 */

/** One prediction: its confidence (usually the largest probability), and whether it was right. */
export interface ScoredAnswer {
  readonly confidence: number;
  readonly correct: boolean;
}

export interface RejectionPoint {
  /** Predictions with at least this confidence are accepted. */
  readonly threshold: number;
  /** Number of accepted predictions. */
  readonly given: number;
  /** Share of all predictions that are accepted. */
  readonly coverage: number;
  /** Share of accepted predictions that are right. */
  readonly accuracy: number;
}

/** Predictions of one confidence, or of one bin of confidences that begins there. */
export interface ConfidenceLevel {
  readonly confidence: number;
  readonly count: number;
  readonly correct: number;
}

/** One point for each confidence that occurs, the most confident first. */
export function rejectionCurve(answers: readonly ScoredAnswer[]): RejectionPoint[] {
  return rejectionCurveOf(
    answers.map(({ confidence, correct }) => ({ confidence, count: 1, correct: Number(correct) })),
  );
}

/** The same from counts; levels in any order. */
export function rejectionCurveOf(levels: readonly ConfidenceLevel[]): RejectionPoint[] {
  const sorted = levels.filter(({ count }) => count > 0).sort((a, b) => b.confidence - a.confidence);
  const total = sorted.reduce((sum, { count }) => sum + count, 0);
  const points: RejectionPoint[] = [];
  let given = 0;
  let right = 0;
  for (const [index, { confidence, count, correct }] of sorted.entries()) {
    given += count;
    right += correct;
    if (confidence === sorted[index + 1]?.confidence) continue;
    points.push({ threshold: confidence, given, coverage: given / total, accuracy: right / given });
  }
  return points;
}

/**
 * Mean error rate over all coverages, the area under the risk–coverage curve (Geifman and El-Yaniv 2017); null for no
 * predictions.
 */
export function areaUnderRejectionCurve(curve: readonly RejectionPoint[]): number | null {
  let covered = 0;
  let area = 0;
  for (const { coverage, accuracy } of curve) {
    area += (coverage - covered) * (1 - accuracy);
    covered = coverage;
  }
  return curve.length === 0 ? null : area;
}

/**
 * The point with the largest coverage at which the error rate of accepted predictions is at most `errorRate`; null where no
 * threshold keeps it.
 *
 * With `confidence` (say 0.95) the rate also holds for future predictions, with that probability over the draw of these
 * predictions: "selection with guaranteed risk" (Geifman and El-Yaniv 2017). It applies the exact binomial upper bound (Clopper
 * and Pearson 1934) to each point of a fixed sequence, starting with the most confident predictions, and stops at the first
 * failure, so that testing many points needs no correction.
 */
export function abstentionPoint(
  curve: readonly RejectionPoint[],
  errorRate: number,
  confidence?: number,
): RejectionPoint | null {
  if (confidence === undefined) return curve.findLast(({ accuracy }) => 1 - accuracy <= errorRate) ?? null;
  return guaranteedPoint(curve, errorRate, 1 - confidence);
}

/** Coverages are tried in twentieths: with fewer stops, each has more predictions as evidence. */
const stops = 20;

function guaranteedPoint(
  curve: readonly RejectionPoint[],
  errorRate: number,
  risk: number,
): RejectionPoint | null {
  let passed: RejectionPoint | null = null;
  for (let stop = 1; stop <= stops; stop++) {
    const point = curve.find(({ coverage }) => coverage >= stop / stops);
    if (point === undefined) break;
    const { given, accuracy } = point;
    // So few predictions could prove nothing, even if all of them were right.
    if (binomialAtMost(0, given, errorRate) > risk) continue;
    const wrong = Math.round((1 - accuracy) * given);
    if (binomialAtMost(wrong, given, errorRate) > risk) break;
    passed = point;
  }
  return passed;
}

/** P(X ≤ k) for X ~ Binomial(n, p), summed from logarithms so that nothing underflows early. */
function binomialAtMost(k: number, n: number, p: number): number {
  if (p <= 0) return 1;
  if (p >= 1) return k >= n ? 1 : 0;
  let logTerm = n * Math.log1p(-p);
  let sum = Math.exp(logTerm);
  for (let i = 1; i <= k; i++) {
    logTerm += Math.log((n - i + 1) / i) + Math.log(p) - Math.log1p(-p);
    sum += Math.exp(logTerm);
  }
  return Math.min(sum, 1);
}
