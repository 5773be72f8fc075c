/**
 * Which tasks were predicted for which vectors, reconstructed from TASKS, the serving heads, and the retained
 * heads.
 */
import type { HeadCatalog } from '../../model-registry/head-catalog.ts';
import { extractorForTask } from '../../predict/predictor.ts';
import type { Answered } from './tables/prediction-table.ts';

export interface ExpectedTasksOptions {
  readonly catalog: Pick<HeadCatalog, 'activation' | 'list'>;
  readonly declared: readonly string[];
  readonly extractors: readonly string[];
}

export class ExpectedTasks {
  readonly #options: ExpectedTasksOptions;

  constructor(options: ExpectedTasksOptions) {
    this.#options = options;
  }

  /** Whether the task is predicted for vectors of this extractor now. */
  isExpectedNow(task: string, extractor: string): boolean {
    const { catalog, declared, extractors } = this.#options;
    const serving = catalog.activation(task);
    if (serving === undefined && !declared.includes(task)) return false;
    return extractorForTask(serving?.extractor, extractors) === extractor;
  }

  /**
   * Whether the task was predicted all the time between two predictions, or since one. A task outside TASKS
   * is predicted only while a head serves it; none serves from the erasure of its last example until it is
   * learned again, and that erasure deletes all its heads.
   */
  wasExpectedSince(task: string, before: Answered, behind: Answered | undefined): boolean {
    const { declared } = this.#options;
    if (declared.includes(task)) return true;
    const next = behind === undefined ? this.#headNow(task) : behind.head;
    return (next !== null && next === before.head) || this.#learnedSince(task) <= before.at;
  }

  #headNow(task: string): string | null {
    const serving = this.#options.catalog.activation(task);
    return serving === undefined ? null : `${serving.extractor} ${serving.kind} ${serving.version}`;
  }

  /** When the oldest retained head was trained; an imported one (watermark 0) was trained elsewhere. */
  #learnedSince(task: string): number {
    const heads = this.#options.catalog.list({ task }).filter(({ watermark }) => watermark > 0);
    return heads.reduce((oldest, { trainedAt }) => Math.min(oldest, trainedAt), Number.POSITIVE_INFINITY);
  }
}
