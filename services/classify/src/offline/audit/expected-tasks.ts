/** Which tasks vectors were asked, as far as that can be reconstructed: from TASKS, from what serves now, and from the heads that are kept. */
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

  /** Vectors of this extractor are asked the task now. */
  isExpectedNow(task: string, extractor: string): boolean {
    const { catalog, declared, extractors } = this.#options;
    const serving = catalog.activation(task);
    if (serving === undefined && !declared.includes(task)) return false;
    return extractorForTask(serving?.extractor, extractors) === extractor;
  }

  /**
   * Between two answers, or since one, the task was asked all the time. A task that TASKS does not name is asked while a head serves it, and
   * none does from the erasure of its last example until it is learned anew; all heads that there were go with that erasure.
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

  /** When the oldest head that is still there was trained; an imported one (watermark 0) was trained elsewhere. */
  #learnedSince(task: string): number {
    const heads = this.#options.catalog.list({ task }).filter(({ watermark }) => watermark > 0);
    return heads.reduce((oldest, { trainedAt }) => Math.min(oldest, trainedAt), Number.POSITIVE_INFINITY);
  }
}
