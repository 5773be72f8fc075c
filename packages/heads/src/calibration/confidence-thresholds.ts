/**
 * Confidence thresholds (selective prediction): the confidence that a prediction needs so that accepted predictions keep a
 * requested error rate. They are measured for a few error rates during training, from the leave-one-out logits that are
 * computed anyway. A caller can therefore choose a rate without having the examples.
 */
import { abstentionPoint, rejectionCurve, type ScoredAnswer } from '../measurements/rejection-curve.ts';
import { uniformShareOf } from '../models/linear-head.ts';
import type { TrainingProblem } from '../models/training-problem.ts';
import { fixedExp } from '../numerics/fixed-math.ts';
import type { HeldOutLogits } from './temperature.ts';

/** Error rates for which a head has a confidence threshold, ascending. */
const thresholdErrorRates = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2] as const;

/** Keys of released head records: they keep the name that they were stored under. */
const prefix = 'sureEnoughFor';

/**
 * For each error rate, the probability that a prediction must reach, as measurements named `sureEnoughFor0.01`. The
 * value is 2, which is never reached, where no threshold keeps the rate. Examples that cannot be scored do not count.
 * `offsets`: see `chooseTemperature`.
 */
export function measureConfidenceThresholds(
  { logPriors, examples }: Pick<TrainingProblem, 'logPriors' | 'examples'>,
  heldOut: HeldOutLogits,
  temperature: number,
  offsets: Float64Array = new Float64Array(heldOut.classes),
): Record<string, number> {
  const shifts = logPriors.map((prior, k) => prior + (offsets[k] ?? 0));
  const curve = rejectionCurve(scorePredictions(heldOut, temperature, shifts, uniformShareOf(examples)));
  if (curve.length === 0) return {};
  return Object.fromEntries(
    thresholdErrorRates.map((rate) => [`${prefix}${rate}`, abstentionPoint(curve, rate)?.threshold ?? 2]),
  );
}

/**
 * The threshold for an error rate in (0, 1) from a head's measurements: that of the largest measured rate not above it.
 * Undefined where there is none.
 */
export function confidenceThresholdFor(
  measurements: Readonly<Record<string, number>>,
  errorRate: number,
): number | undefined {
  const rate = thresholdErrorRates.findLast((measured) => measured <= errorRate);
  return rate === undefined ? undefined : measurements[`${prefix}${rate}`];
}

function scorePredictions(
  { classes, logits, labels }: HeldOutLogits,
  temperature: number,
  shifts: Float64Array,
  uniformShare: number,
): ScoredAnswer[] {
  const answers: ScoredAnswer[] = [];
  labels.forEach((label, example) => {
    if (label < 0) return;
    const own = shifts.map((shift, k) => (logits[example * classes + k] ?? 0) / temperature + shift);
    const best = own.reduce((found, logit, k) => (logit > (own[found] ?? 0) ? k : found), 0);
    const sum = own.reduce((total, logit) => total + fixedExp(logit - (own[best] ?? 0)), 0);
    answers.push({ confidence: (1 - uniformShare) / sum + uniformShare / classes, correct: best === label });
  });
  return answers;
}
