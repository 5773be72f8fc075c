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
  readonly trainMetrics: Pick<TrainMetrics, 'drifted'>;
  readonly logger: Pick<Logger, 'warn'>;
}

export class Scoring {
  readonly #options: ScoringOptions;
  #uncommitted: { readonly series: HeadSeries; readonly example: ScoredExample }[] = [];
  #forgotten: { readonly series: HeadSeries; readonly imageId: string }[] = [];
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
  score(seriesList: readonly HeadSeries[], { removed, added }: SetChange): void {
    if (removed !== null || added === null) return;
    for (const series of seriesList) {
      const { classifier } = series;
      if (classifier?.dimensions !== added.vector.length) continue;
      const { probabilities, novelty } = classifier.predict(added.vector);
      const { imageId, label } = added;
      const references = series.newest?.measurements.sample ?? 0;
      const example = { imageId, label, classes: classifier.classes, probabilities, novelty, references };
      this.#uncommitted.push({ series, example });
    }
  }

  /** Removes an erased image. */
  forget(seriesList: readonly HeadSeries[], imageId: string): void {
    for (const series of seriesList) this.#forgotten.push({ series, imageId });
  }

  forgetUncommitted(): void {
    this.#uncommitted = [];
    this.#forgotten = [];
  }

  /** Stores the scores of the committed batch; class tables too where labels have paused. */
  commit(draft: Draft, hasPaused = false): void {
    const scored = new Set<HeadSeries>();
    for (const { series, example } of this.#uncommitted) {
      scored.add(series);
      this.#unwritten.add(series);
      for (const drift of series.scores.add(example)) this.#report(series, drift);
    }
    this.#uncommitted = [];
    for (const { series, imageId } of this.#forgotten) {
      series.scores.forget(imageId);
      this.#unwritten.add(series);
    }
    for (const series of scored) draft.put(scoresKey(series), series.scores.quickState());
    if (hasPaused || performance.now() >= this.#restUntil) this.#writeTables(draft, this.#unwritten);
    // An erased image must not stay in the store.
    else this.#writeTables(draft, new Set(this.#forgotten.map(({ series }) => series)));
    this.#forgotten = [];
  }

  #writeTables(draft: Draft, seriesList: ReadonlySet<HeadSeries>): void {
    let bytes = 0;
    for (const series of seriesList) {
      const table = series.scores.measuredState();
      bytes += table.length;
      draft.put(measuredKey(series), table);
      this.#unwritten.delete(series);
    }
    if (bytes === 0) return;
    const rest = Math.min(longestRestMs, Math.max(leastRestMs, bytes / bytesPerMs));
    this.#restUntil = Math.max(this.#restUntil, performance.now() + rest);
  }

  #report({ extractor, task, kind }: HeadSeries, drift: Drift): void {
    const { trainMetrics, logger } = this.#options;
    const fields = { extractor, task, kind };
    trainMetrics.drifted({ extractor, task, kind }, drift.sign);
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
