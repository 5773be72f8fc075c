/**
 * A head that may say "I don't know" trades coverage for accuracy. The curve shows the trade, and the threshold picks the point on it
 * where what is answered is wrong no more often than is wanted.
 */

/** One answer: how sure (usually the largest probability), and whether it was right. */
export interface ScoredAnswer {
  readonly confidence: number;
  readonly correct: boolean;
}

export interface RejectionPoint {
  /** Answers with at least this confidence are given. */
  readonly threshold: number;
  /** How many answers are given. */
  readonly given: number;
  /** Share of all answers that are given. */
  readonly coverage: number;
  /** Of those given, the share that is right. */
  readonly accuracy: number;
}

/** Answers of one confidence, or of one bin of confidences that begins there. */
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

/** Mean error rate over all coverages, the area under the risk–coverage curve (Geifman and El-Yaniv 2017); null for no answers. */
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
 * The point with the most coverage at which the error rate of what is given is at most `errorRate`; null where no threshold does that.
 *
 * With `confidence` (say 0.95) the rate holds for future answers too, with that probability over the draw of these answers: "selection
 * with guaranteed risk" (Geifman and El-Yaniv 2017). It asks the exact binomial upper bound (Clopper and Pearson 1934) of each point of a
 * fixed sequence, from the most confident answers on, and stops at the first that fails, so that testing many points costs nothing.
 */
export function abstentionPoint(
  curve: readonly RejectionPoint[],
  errorRate: number,
  confidence?: number,
): RejectionPoint | null {
  if (confidence === undefined) return curve.findLast(({ accuracy }) => 1 - accuracy <= errorRate) ?? null;
  return guaranteedPoint(curve, errorRate, 1 - confidence);
}

/** Coverages are tried in twentieths: fewer stops leave each more answers to be sure by. */
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
    // So few could prove nothing, even if all of them were right.
    if (binomialAtMost(0, given, errorRate) > risk) continue;
    const wrong = Math.round((1 - accuracy) * given);
    if (binomialAtMost(wrong, given, errorRate) > risk) break;
    passed = point;
  }
  return passed;
}

/** P(X ≤ k) for X ~ Binomial(n, p), summed from its logarithms so that nothing underflows early. */
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
