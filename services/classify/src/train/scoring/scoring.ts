/**
 * Scores of a partition's lines, kept until their batch is committed: an example of a batch that fails comes again, and must not count twice.
 */
import type { Logger } from '@headwater/log';
import type { Draft } from '../../store/state.ts';
import { measuredKey, scoresKey } from '../examples/example-bytes.ts';
import type { SetChange } from '../examples/trainer-state.ts';
import type { HeadSeries } from './head-series.ts';
import type { Drift, ScoredExample } from './series-scores.ts';
import type { TrainMetrics } from './train-metrics.ts';

/** Tables of classes are written this seldom: a crash may forget so much of them, and of nothing else. */
const leastRestMs = 1_000;
/** They are written whole: the larger they are, the longer they rest. Ten classes take some 10 kB, ten thousand about 1 MB. */
const bytesPerMs = 100;
/** Nothing is forgotten for longer. */
const longestRestMs = 30_000;

export interface ScoringOptions {
  readonly board: Pick<TrainMetrics, 'drifted'>;
  readonly logger: Pick<Logger, 'warn'>;
}

export class Scoring {
  readonly #options: ScoringOptions;
  #uncommitted: { readonly line: HeadSeries; readonly example: ScoredExample }[] = [];
  #forgotten: { readonly line: HeadSeries; readonly imageId: string }[] = [];
  /** Lines whose tables are not written. */
  readonly #unwritten = new Set<HeadSeries>();
  #restUntil = 0;

  constructor(options: ScoringOptions) {
    this.#options = options;
  }

  /** A new example is answered by the newest head of each line before any head learns it. Corrections do not count. */
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

  /** The image was erased. */
  forget(lines: readonly HeadSeries[], imageId: string): void {
    for (const line of lines) this.#forgotten.push({ line, imageId });
  }

  forgetUncommitted(): void {
    this.#uncommitted = [];
    this.#forgotten = [];
  }

  /** The batch is committed: its scores count, and go into the store with it; all of them where labels have paused. */
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
    if (hasPaused || Date.now() >= this.#restUntil) this.#writeTables(draft, this.#unwritten);
    // What was erased must not stay.
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
    this.#restUntil = Math.max(this.#restUntil, Date.now() + rest);
  }

  #tell({ extractor, task, kind }: HeadSeries, drift: Drift): void {
    const { board, logger } = this.#options;
    const fields = { extractor, task, kind };
    board.drifted({ extractor, task, kind }, drift.sign);
    if (drift.sign === 'errors') {
      const { from, to, dropped, width } = drift.change;
      logger.warn({ ...fields, from, to, dropped, width }, 'errors have risen: the stream has changed');
    } else {
      const { distance, threshold, mean } = drift.verdict;
      logger.warn(
        { ...fields, distance, threshold, mean },
        'examples look newer than those that were learned',
      );
    }
  }
}
