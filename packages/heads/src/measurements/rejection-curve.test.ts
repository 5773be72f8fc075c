import { describe, expect, it } from 'vitest';
import {
  abstentionPoint,
  areaUnderRejectionCurve,
  rejectionCurve,
  type ScoredAnswer,
} from './rejection-curve.ts';

const answers: ScoredAnswer[] = [
  { confidence: 0.6, correct: false },
  { confidence: 0.9, correct: true },
  { confidence: 0.8, correct: true },
  { confidence: 0.7, correct: false },
  { confidence: 0.8, correct: true },
];
const curve = rejectionCurve(answers);

describe('rejectionCurve', () => {
  it('trades coverage for accuracy, with one point for each confidence', () => {
    expect(curve).toEqual([
      { threshold: 0.9, given: 1, coverage: 0.2, accuracy: 1 },
      { threshold: 0.8, given: 3, coverage: 0.6, accuracy: 1 },
      { threshold: 0.7, given: 4, coverage: 0.8, accuracy: 0.75 },
      { threshold: 0.6, given: 5, coverage: 1, accuracy: 0.6 },
    ]);
  });

  it('has the area of the error rates over all coverages', () => {
    expect(areaUnderRejectionCurve(curve)).toBeCloseTo(0.2 * 0.25 + 0.2 * 0.4, 12);
    expect(areaUnderRejectionCurve([])).toBeNull();
  });
});

describe('abstentionPoint', () => {
  it('has the largest coverage that keeps the requested error rate', () => {
    expect(abstentionPoint(curve, 0)?.threshold).toBe(0.8);
    expect(abstentionPoint(curve, 0.3)?.threshold).toBe(0.7);
    expect(abstentionPoint(curve, 0.5)?.threshold).toBe(0.6);
  });

  it('is null where no threshold keeps the error rate', () => {
    const wrong = rejectionCurve([{ confidence: 1, correct: false }]);
    expect(abstentionPoint(wrong, 0.1)).toBeNull();
    expect(abstentionPoint([], 0.1)).toBeNull();
  });

  /** P(X ≤ 3) for Binomial(100, 0.08) is 0.0367, for Binomial(100, 0.07) 0.0744 (SciPy 1.17.1, `binom.cdf`). */
  it('guarantees a rate exactly where the binomial bound does', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => ({ confidence: 0.5, correct: index >= 3 }));
    expect(abstentionPoint(rejectionCurve(hundred), 0.08, 0.95)?.coverage).toBe(1);
    expect(abstentionPoint(rejectionCurve(hundred), 0.07, 0.95)).toBeNull();
  });

  it('exceeds a 95 % bound in at most 5 % of the draws', () => {
    let broken = 0;
    for (let draw = 0; draw < 400; draw++) {
      const point = abstentionPoint(rejectionCurve(drawAnswers(draw + 1)), 0.1, 0.95);
      if (point !== null && errorRateBeyond(point.threshold) > 0.1) broken++;
    }
    expect(broken / 400).toBeLessThan(0.05 + 0.025);
  });
});

/** Confidences uniform in [0, 1], wrong with probability (1 − confidence)/2: above t that is (1 − t)/4 on average. */
function drawAnswers(seed: number): ScoredAnswer[] {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return Array.from({ length: 300 }, () => {
    const confidence = next();
    return { confidence, correct: next() >= (1 - confidence) / 2 };
  });
}

function errorRateBeyond(threshold: number): number {
  return (1 - threshold) / 4;
}
