/**
 * Scores of a partition's series, held back until their batch is committed: a failed batch is processed
 * again, and must not count twice.
 */
import type { Logger } from '@headwater/log';
import type { Draft } from '../../store/state.ts';
import { measuredKey, scoresKey } from '../examples/example-bytes.ts';
import type { SetChange } from '../examples/trainer-state.ts';
import type { HeadSeries } from './head-series.ts';
import type { Drift, ScoredExample } from './series-scores.ts';
import type { TrainMetrics } from './train-metrics.ts';

/** Minimum interval between writes of class tables, and so the most that a crash loses of them. */
const leastRestMs = 1_000;
/**
 * Tables are written whole, so large ones less often. Ten classes take some 10 kB, ten thousand about 1 MB.
 */
const bytesPerMs = 100;
/** Maximum interval. */
const longestRestMs = 30_000;

export interface ScoringOptions {
  readonly board: Pick<TrainMetrics, 'drifted'>;
  readonly logger: Pick<Logger, 'warn'>;
}

export class Scoring {
  readonly #options: ScoringOptions;
  #uncommitted: { readonly line: HeadSeries; readonly example: ScoredExample }[] = [];
  #forgotten: { readonly line: HeadSeries; readonly imageId: string }[] = [];
  /** Series whose tables have unwritten changes. */
  readonly #unwritten = new Set<HeadSeries>();
  #restUntil = 0;

  constructor(options: ScoringOptions) {
    this.#options = options;
  }

  /**
   * Scores a new example on the newest head of each series, before any head learns it. Corrections do not
   * count.
   */
  score(lines: readonly HeadSeries[], { removed, added }: SetChange): void {
    if (removed !== null || added === null) return;
    for (const line of lines) {
      const { classifier } = line;
      if (classifier?.dimensions !== added.vector.length) continue;
      const { probabilities, novelty } = classifier.predict(added.vector);
      const { imageId, label } = added;
      const references = line.newest?.measurements.sample ?? 0;
      const example = { imageId, label, classes: classifier.classes, probabilities, novelty, references };
      this.#uncommitted.push({ line, example });
    }
  }

  /** Removes an erased image. */
  forget(lines: readonly HeadSeries[], imageId: string): void {
    for (const line of lines) this.#forgotten.push({ line, imageId });
  }

  forgetUncommitted(): void {
    this.#uncommitted = [];
    this.#forgotten = [];
  }

  /** Stores the scores of the committed batch; class tables too where labels have paused. */
  commit(draft: Draft, hasPaused = false): void {
    const scored = new Set<HeadSeries>();
    for (const { line, example } of this.#uncommitted) {
      scored.add(line);
      this.#unwritten.add(line);
      for (const drift of line.scores.add(example)) this.#tell(line, drift);
    }
    this.#uncommitted = [];
    for (const { line, imageId } of this.#forgotten) {
      line.scores.forget(imageId);
      this.#unwritten.add(line);
    }
    for (const line of scored) draft.put(scoresKey(line), line.scores.quickState());
    if (hasPaused || performance.now() >= this.#restUntil) this.#writeTables(draft, this.#unwritten);
    // An erased image must not stay in the store.
    else this.#writeTables(draft, new Set(this.#forgotten.map(({ line }) => line)));
    this.#forgotten = [];
  }

  #writeTables(draft: Draft, lines: ReadonlySet<HeadSeries>): void {
    let bytes = 0;
    for (const line of lines) {
      const table = line.scores.measuredState();
      bytes += table.length;
      draft.put(measuredKey(line), table);
      this.#unwritten.delete(line);
    }
    if (bytes === 0) return;
    const rest = Math.min(longestRestMs, Math.max(leastRestMs, bytes / bytesPerMs));
    this.#restUntil = Math.max(this.#restUntil, performance.now() + rest);
  }

  #tell({ extractor, task, kind }: HeadSeries, drift: Drift): void {
    const { board, logger } = this.#options;
    const fields = { extractor, task, kind };
    board.drifted({ extractor, task, kind }, drift.sign);
    if (drift.sign === 'errors') {
      const { from, to, dropped, width } = drift.change;
      logger.warn({ ...fields, from, to, dropped, width }, 'error rate has risen: the stream has drifted');
    } else {
      const { distance, threshold, mean } = drift.verdict;
      logger.warn(
        { ...fields, distance, threshold, mean },
        'novelty has risen: new examples differ from the learned ones',
      );
    }
  }
}
