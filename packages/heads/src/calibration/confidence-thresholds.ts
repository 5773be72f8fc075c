/**
 * How sure a head must be for its answers to be wrong no more often than somebody wants. Answered for a few error rates when the head is
 * trained, by what leaving examples out shows anyway, so that whoever predicts can choose a rate without the examples.
 */

import { abstentionPoint, rejectionCurve, type ScoredAnswer } from '../measurements/rejection-curve.ts';
import { uniformShareOf } from '../models/linear-head.ts';
import type { Problem } from '../models/training-problem.ts';
import { fixedExp } from '../numerics/fixed-math.ts';
import type { HeldOutLogits } from './temperature.ts';

/** Error rates for which a head says how sure it must be, ascending. */
export const thresholdErrorRates = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2] as const;

/** Keys of released head records: they keep the name that they were stored under. */
const prefix = 'sureEnoughFor';

/**
 * For each error rate the probability that an answer must reach, as measurements named `sureEnoughFor0.01`; 2, which none does, where no
 * threshold keeps the rate. Examples that cannot be scored do not count. `offsets` as in `chooseTemperature`.
 */
export function measureConfidenceThresholds(
  { logPriors, examples }: Pick<Problem, 'logPriors' | 'examples'>,
  left: HeldOutLogits,
  temperature: number,
  offsets: Float64Array = new Float64Array(left.classes),
): Record<string, number> {
  const shifts = logPriors.map((prior, k) => prior + (offsets[k] ?? 0));
  const curve = rejectionCurve(judgeAnswers(left, temperature, shifts, uniformShareOf(examples)));
  if (curve.length === 0) return {};
  return Object.fromEntries(
    thresholdErrorRates.map((rate) => [`${prefix}${rate}`, abstentionPoint(curve, rate)?.threshold ?? 2]),
  );
}

/**
 * What a head's measurements say of an error rate in (0, 1): the threshold of the largest rate told that is not above it. Undefined where
 * they say nothing.
 */
export function confidenceThresholdFor(
  measurements: Readonly<Record<string, number>>,
  errorRate: number,
): number | undefined {
  const rate = thresholdErrorRates.findLast((told) => told <= errorRate);
  return rate === undefined ? undefined : measurements[`${prefix}${rate}`];
}

function judgeAnswers(
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
