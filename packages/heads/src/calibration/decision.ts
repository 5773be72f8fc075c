/**
 * From probabilities to an answer. The most probable class is the right answer only where all mistakes cost the same; and where a mistake
 * costs more than a question, the right answer may be none.
 */
import { HeadwaterError } from '@headwater/errors';
import type { HeadPrediction } from '../api.ts';

/** Truth → answer → cost, at least 0. What is not named costs 0 on the diagonal, and 1 elsewhere. */
export type CostMatrix = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface DecisionRules {
  readonly costs?: CostMatrix;
  /** Confidence in [0, 1] below which there is no answer; see `abstentionPoint` for the one that keeps a wanted error rate. */
  readonly abstainBelow?: number;
}

export interface Decision {
  /** Null: none, a person should look. */
  readonly label: string | null;
  /** Σ p(truth) · cost(truth, answer) of the cheapest answer. */
  readonly expectedCost: number;
  /** Probability of that answer. */
  readonly confidence: number;
}

/**
 * The answer with the lowest expected cost; among equals the first in the order of `classes`, which are those of the head that predicted.
 * Errors: request-invalid, for a cost that is negative or not a number.
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
  throw new HeadwaterError('request-invalid', 'The cost of an answer must be a number, at least 0');
}
