/**
 * What makes an answer of probabilities: which mistakes cost more than others, and how often an answer may be wrong before a
 * guess that says so is better. Both are matters of the task, not of the head, so they are set where predictions are made.
 */
import { readFile } from 'node:fs/promises';
import { HeadwaterError } from '@headwater/errors';
import { type CostMatrix, confidenceThresholdFor, decide, type HeadPrediction } from '@headwater/heads';

export interface DecisionPolicy {
  /** Share of answers that may be wrong, in (0, 1); null: always answer. */
  readonly maxErrorRate: number | null;
  /** Null: all mistakes cost the same. */
  readonly costs: CostMatrix | null;
}

export const defaultDecisionPolicy: DecisionPolicy = { maxErrorRate: null, costs: null };

/** The rules of each task. */
export type DecisionPolicyOf = (task: string) => DecisionPolicy;

/** As it was configured. */
export interface ConfiguredDecisionPolicies extends DecisionPolicyOf {
  /** Those that have a rate or costs of their own. */
  readonly tasks: readonly string[];
}

export interface Answer {
  readonly label: string;
  readonly abstained: boolean;
}

/**
 * The class with the smallest expected cost. The head abstains where that class is less probable than its measurements ask for
 * at the wanted error rate; a head that has no such measurements (too few examples, or of an older version) always abstains then.
 */
export function answerOf(
  prediction: HeadPrediction,
  classes: readonly string[],
  measurements: Readonly<Record<string, number>>,
  { maxErrorRate, costs }: DecisionPolicy,
): Answer {
  // Every class against every other is dear where there are many, and in vain where all mistakes cost the same.
  const decided = costs === null ? prediction.label : decide(prediction, classes, { costs }).label;
  const label = decided ?? prediction.label;
  if (maxErrorRate === null) return { label, abstained: false };
  const confidence = prediction.probabilities[classes.indexOf(label)] ?? 0;
  const threshold = confidenceThresholdFor(measurements, maxErrorRate) ?? Number.POSITIVE_INFINITY;
  return { label, abstained: confidence < threshold };
}

/** `0.02` holds for every task, `digit=0.01` for one; undefined for what is neither. The keys of the result are tasks, '' for all. */
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

/** Errors: config-invalid, when the file cannot be read or is not task → truth → answer → cost. */
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
  if (wrong.length > 0) throw invalid(path, `has a wrong cost (task ${wrong.join(', ')})`);
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
