/**
 * Turns probabilities into a decision. The most probable class is the best one only where all mistakes cost the same. Where a
 * mistake costs more than a manual review, it can be best to abstain.
 */
import { HeadwaterError } from '@headwater/errors';
import type { HeadPrediction } from '../api.ts';

/** Truth → decision → cost, at least 0. A pair that is not listed costs 0 on the diagonal and 1 elsewhere. */
export type CostMatrix = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface DecisionRules {
  readonly costs?: CostMatrix;
  /** Confidence in [0, 1] below which the decision abstains; `abstentionPoint` computes the one that keeps an error rate. */
  readonly abstainBelow?: number;
}

export interface Decision {
  /** Null: abstained, the image needs a manual review. */
  readonly label: string | null;
  /** Σ p(truth) · cost(truth, decision) of the cheapest decision. */
  readonly expectedCost: number;
  /** Probability of that class. */
  readonly confidence: number;
}

/**
 * The decision with the lowest expected cost; ties go to the first in the order of `classes`, the classes of the head that
 * predicted. Errors: request-invalid, for a cost that is negative or not a number.
 */
export function decide(
  prediction: Pick<HeadPrediction, 'probabilities'>,
  classes: readonly string[],
  { costs = {}, abstainBelow = 0 }: DecisionRules = {},
): Decision {
  const { probabilities } = prediction;
  let best = 0;
  let expectedCost = Number.POSITIVE_INFINITY;
  classes.forEach((answer, k) => {
    let cost = 0;
    classes.forEach((truth, j) => {
      cost += (probabilities[j] ?? 0) * costOf(costs, truth, answer);
    });
    if (cost >= expectedCost) return;
    expectedCost = cost;
    best = k;
  });
  const confidence = probabilities[best] ?? 0;
  const label = confidence < abstainBelow ? null : (classes[best] ?? null);
  return { label, expectedCost, confidence };
}

function costOf(costs: CostMatrix, truth: string, answer: string): number {
  const row = Object.hasOwn(costs, truth) ? costs[truth] : undefined;
  const named = row !== undefined && Object.hasOwn(row, answer) ? row[answer] : undefined;
  const cost = named ?? (truth === answer ? 0 : 1);
  if (cost >= 0 && cost < Number.POSITIVE_INFINITY) return cost;
  throw new HeadwaterError('request-invalid', 'cost must be a number of at least 0');
}
