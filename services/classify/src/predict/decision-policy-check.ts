/**
 * Warns of costs for classes that no head knows, mostly misspelt names: once for each name, and for settled
 * heads only, since the first ones know few classes.
 */
import type { CostMatrix } from '@headwater/heads';
import type { Logger } from '@headwater/log';
import type { ConfiguredDecisionPolicies } from './decision-policy.ts';

/** Maximum number of names in a log line. */
const mostNamed = 20;

export class DecisionPolicyCheck {
  readonly #rules: ConfiguredDecisionPolicies;
  readonly #logger: Pick<Logger, 'info' | 'warn'>;
  /** Reported classes by task; no larger than the file. */
  readonly #reported = new Map<string, Set<string>>();

  constructor(rules: ConfiguredDecisionPolicies, logger: Pick<Logger, 'info' | 'warn'>) {
    this.#rules = rules;
    this.#logger = logger;
  }

  /** `known`: tasks that have a head or are configured. */
  checkTasks(known: ReadonlySet<string>): void {
    const unknown = this.#rules.tasks.filter((task) => !known.has(task));
    if (unknown.length === 0) return;
    this.#logger.warn(
      { tasks: unknown.slice(0, mostNamed), count: unknown.length },
      'COSTS_FILE or MAX_ERROR_RATE name tasks without a head; check the spelling',
    );
  }

  /** `classes`: of a settled head. */
  checkHead(task: string, version: number, classes: readonly string[]): void {
    const { costs } = this.#rules(task);
    if (costs === null) return;
    const named = namesOf(costs);
    const reported = this.#reported.get(task);
    const unknown = [...named].filter((name) => !classes.includes(name) && reported?.has(name) !== true);
    this.#reported.set(task, new Set([...(reported ?? []), ...unknown]));
    const unnamed = classes.filter((name) => !named.has(name)).length;
    if (unknown.length > 0) {
      const warnedClasses = { classes: unknown.slice(0, mostNamed), count: unknown.length, unnamed };
      this.#logger.warn(
        { task, version, ...warnedClasses },
        'COSTS_FILE names classes that the head does not know; check the spelling',
      );
    } else if (reported === undefined && unnamed > 0) {
      this.#logger.info(
        { task, version, unnamed },
        'COSTS_FILE does not name all classes of the head; mistakes between the others cost 1',
      );
    }
  }
}

function namesOf(costs: CostMatrix): Set<string> {
  return new Set(Object.entries(costs).flatMap(([truth, row]) => [truth, ...Object.keys(row)]));
}
