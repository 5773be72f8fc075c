/**
 * Turns probabilities into a decision, by the costs of mistakes and the maximum error rate. Both belong to
 * the task and not to the head, so they are configured where predictions are made.
 */
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import { type CostMatrix, confidenceThresholdFor, decide, type HeadPrediction } from '@headwater/heads';

export interface DecisionPolicy {
  /** Maximum error rate, in (0, 1); null: never abstain. */
  readonly maxErrorRate: number | null;
  /** Null: all mistakes cost the same. */
  readonly costs: CostMatrix | null;
}

export const defaultDecisionPolicy: DecisionPolicy = { maxErrorRate: null, costs: null };

/** The policy of each task. */
export type DecisionPolicyOf = (task: string) => DecisionPolicy;

/** The configured policies. */
export interface ConfiguredDecisionPolicies extends DecisionPolicyOf {
  /** Tasks with their own rate or costs. */
  readonly tasks: readonly string[];
}

export interface Answer {
  readonly label: string;
  readonly abstained: boolean;
}

/**
 * Returns the class with the smallest expected cost. The head abstains where the probability of that class is
 * below the measured threshold for the maximum error rate, and always where it has no thresholds (too few
 * examples, or an older version).
 */
export function answerOf(
  prediction: HeadPrediction,
  classes: readonly string[],
  measurements: Readonly<Record<string, number>>,
  { maxErrorRate, costs }: DecisionPolicy,
): Answer {
  // Comparing all pairs of classes is expensive, and needless where all mistakes cost the same.
  const decided = costs === null ? prediction.label : decide(prediction, classes, { costs }).label;
  const label = decided ?? prediction.label;
  if (maxErrorRate === null) return { label, abstained: false };
  const confidence = prediction.probabilities[classes.indexOf(label)] ?? 0;
  const threshold = confidenceThresholdFor(measurements, maxErrorRate) ?? Number.POSITIVE_INFINITY;
  return { label, abstained: confidence < threshold };
}

/**
 * `0.02` applies to every task, `digit=0.01` to one; undefined for anything else. Keys of the result are
 * tasks, '' for all.
 */
export function parseErrorRates(words: readonly string[]): Map<string, number> | undefined {
  const rates = new Map<string, number>();
  for (const word of words) {
    const [, task = '', text = ''] = /^(?:(.+)=)?(\d*\.?\d+)$/.exec(word) ?? [];
    const rate = Number(text);
    if (!(rate >= 0.001 && rate < 1) || rates.has(task)) return undefined;
    rates.set(task, rate);
  }
  return rates;
}

/** Errors: config-invalid, when the file cannot be read or is not task → truth → prediction → cost. */
export async function openDecisionPolicies(
  errorRates: readonly string[],
  costsPath: string | undefined,
): Promise<ConfiguredDecisionPolicies> {
  const rates = parseErrorRates(errorRates) ?? new Map<string, number>();
  const costs = costsPath === undefined ? new Map<string, CostMatrix>() : await readCosts(costsPath);
  const rulesOf = (task: string): DecisionPolicy => ({
    maxErrorRate: rates.get(task) ?? rates.get('') ?? null,
    costs: costs.get(task) ?? null,
  });
  const own = new Set([...rates.keys(), ...costs.keys()]);
  own.delete('');
  return Object.assign(rulesOf, { tasks: [...own].sort() });
}

async function readCosts(path: string): Promise<Map<string, CostMatrix>> {
  let tasks: unknown;
  try {
    tasks = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw invalid(path, 'cannot be read as JSON', cause);
  }
  if (!isRecord(tasks)) throw invalid(path, 'is not an object of tasks');
  const wrong = Object.keys(tasks).filter((task) => !isCostMatrix(tasks[task]));
  if (wrong.length > 0) throw invalid(path, `has an invalid cost (task ${wrong.join(', ')})`);
  return new Map(Object.entries(tasks as Record<string, CostMatrix>));
}

function isCostMatrix(matrix: unknown): boolean {
  const isCost = (cost: unknown) => typeof cost === 'number' && cost >= 0 && Number.isFinite(cost);
  return (
    isRecord(matrix) &&
    Object.values(matrix).every((row) => isRecord(row) && Object.values(row).every(isCost))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(path: string, how: string, cause?: unknown): HeadwaterError {
  const expected = 'expected JSON {task: {truth: {answer: cost}}} with costs of at least 0';
  return new HeadwaterError('config-invalid', `COSTS_FILE: the file ${path} ${how}; ${expected}`, { cause });
}
