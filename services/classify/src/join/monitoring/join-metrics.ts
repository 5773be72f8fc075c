/**
 * What the join of this process has to show, gathered from its partitions after each commit: served accuracy, labels that
 * wait, what was written. The API and the metrics read it here.
 */
import type { Metrics } from '@headwater/service-kit';
import type { StateReader } from '../../store/state.ts';
import type { Handled } from '../partition-join.ts';
import { type ImageDrift, type ImageNovelty, readNovelties } from '../state/image-novelty.ts';
import { type PartitionCounts, readCounts, readScores } from '../state/partition-counts.ts';
import { mergeScores, noScores, type ServedScores } from '../state/served-accuracy.ts';

/** Accuracies are null while nothing was labelled. */
export interface ServedSummary {
  readonly labelled: number;
  readonly correct: number;
  readonly accuracy: number | null;
  readonly unanswered: number;
  readonly recent: { readonly labelled: number; readonly accuracy: number | null };
  readonly sinceStart: { readonly labelled: number; readonly accuracy: number | null };
}

/** Whether images look newer than what was learned, over the partitions of this process. */
export interface NoveltySummary {
  /** Blocks of images that were judged. */
  readonly blocks: number;
  /** How often they became newer. */
  readonly drifts: number;
  /** The newest of them, the newest first. */
  readonly driftEvents: readonly ImageDrift[];
  /** When the newest block was full, milliseconds since the epoch; null where none was since this is remembered. */
  readonly judgedAt: number | null;
  /** Partitions whose last block had shifted, and partitions that had one. */
  readonly shiftedPartitions: number;
  readonly judgedPartitions: number;
  /** Mean percentile over the last blocks: 0.5 while nothing has shifted; null before there was one. */
  readonly mean: number | null;
}

/** Of all partitions together, as many as of each kind of head. */
const shownDrifts = 20;

interface JoinPartitionView {
  readonly store: StateReader;
  counts: PartitionCounts;
  scores: ReadonlyMap<string, ServedScores>;
  novelties: ReadonlyMap<string, ImageNovelty>;
}

export class JoinMetrics {
  readonly #partitions = new Map<number, JoinPartitionView>();
  readonly #sinceStart = new Map<string, { labelled: number; correct: number }>();
  /** Whose gauges are shown: they go to zero with the last partition. */
  readonly #watchedTasks = new Set<string>();
  readonly #written = { predictions: 0, examples: 0 };
  readonly #metrics: ReturnType<typeof registerJoinMetrics>;

  constructor(metrics: Metrics) {
    this.#metrics = registerJoinMetrics(metrics);
  }

  opened(partition: number, store: StateReader): void {
    this.#partitions.set(partition, {
      store,
      counts: readCounts(store),
      scores: readScores(store),
      novelties: readNovelties(store),
    });
    this.#show();
  }

  committed(partition: number, store: StateReader, handled: readonly Handled[]): void {
    const view = this.#partitions.get(partition);
    if (view === undefined || view.store !== store) return;
    const before = view.scores;
    view.counts = readCounts(store);
    view.scores = readScores(store);
    for (const [task, scores] of view.scores) this.#addSinceStart(task, before.get(task) ?? noScores, scores);
    for (const one of handled) this.#countWritten(one);
    const news = handled.flatMap(({ novelties }) => novelties);
    if (news.length > 0) view.novelties = readNovelties(store);
    for (const { task, extractor, kind } of news.filter(({ isDrift }) => isDrift)) {
      this.#metrics.drifts.add(1, { task, extractor, kind });
    }
    this.#show();
  }

  closed(partition: number, store: StateReader): void {
    if (this.#partitions.get(partition)?.store === store) this.#partitions.delete(partition);
    this.#show();
  }

  counts(): PartitionCounts & { readonly predictions: number; readonly examples: number } {
    let [images, unmatched] = [0, 0];
    for (const { counts } of this.#partitions.values()) {
      images += counts.images;
      unmatched += counts.unmatched;
    }
    return { images, unmatched, ...this.#written };
  }

  served(task: string): ServedSummary {
    const merged = mergeScores(
      [...this.#partitions.values()].map(({ scores }) => scores.get(task) ?? noScores),
    );
    const { labelled, correct, unanswered, recent } = merged;
    const rightOfRecent = recent.filter((score) => score.correct).length;
    const since = this.#sinceStart.get(task) ?? { labelled: 0, correct: 0 };
    return {
      labelled,
      correct,
      accuracy: ratio(correct, labelled),
      unanswered,
      recent: { labelled: recent.length, accuracy: ratio(rightOfRecent, recent.length) },
      sinceStart: { labelled: since.labelled, accuracy: ratio(since.correct, since.labelled) },
    };
  }

  novelty(task: string): NoveltySummary {
    const known = [...this.#partitions.values()].flatMap(({ novelties }) => novelties.get(task) ?? []);
    const last = known.flatMap((one) => one.last ?? []);
    return {
      blocks: known.reduce((sum, { blocks }) => sum + blocks, 0),
      drifts: known.reduce((sum, { drifts }) => sum + drifts, 0),
      driftEvents: known
        .flatMap(({ driftEvents = [] }) => driftEvents)
        .sort((a, b) => b.at - a.at)
        .slice(0, shownDrifts),
      judgedAt: last.reduce<number | null>((newest, { at = null }) => later(newest, at), null),
      shiftedPartitions: last.filter(({ shifted }) => shifted).length,
      judgedPartitions: last.length,
      mean: ratio(
        last.reduce((sum, { mean }) => sum + mean, 0),
        last.length,
      ),
    };
  }

  /** The partitions of this process, each with its store. */
  partitions(): { readonly index: number; readonly store: StateReader }[] {
    return [...this.#partitions].map(([index, { store }]) => ({ index, store }));
  }

  tasks(): Set<string> {
    return new Set([...this.#partitions.values()].flatMap(({ scores }) => [...scores.keys()]));
  }

  #addSinceStart(task: string, before: ServedScores, after: ServedScores): void {
    const since = this.#sinceStart.get(task) ?? { labelled: 0, correct: 0 };
    since.labelled += after.labelled - before.labelled;
    since.correct += after.correct - before.correct;
    this.#sinceStart.set(task, since);
  }

  #countWritten({ predictions, examples }: Handled): void {
    this.#written.predictions += predictions.length;
    this.#written.examples += examples.length;
    for (const { task, head } of predictions) {
      this.#metrics.predictions.add(1, { task, answered: String(head !== null) });
    }
    for (const { task } of examples) this.#metrics.examples.add(1, { task });
  }

  #show(): void {
    for (const { novelties } of this.#partitions.values()) {
      for (const task of novelties.keys()) this.#watchedTasks.add(task);
    }
    for (const task of this.#watchedTasks) {
      const { mean, shiftedPartitions } = this.novelty(task);
      if (mean !== null) this.#metrics.novelty.set(mean, { task });
      this.#metrics.shifted.set(shiftedPartitions, { task });
    }
    const { images, unmatched } = this.counts();
    this.#metrics.images.set(images);
    this.#metrics.unmatched.set(unmatched);
    for (const task of this.tasks()) {
      const { accuracy, recent } = this.served(task);
      if (accuracy !== null) this.#metrics.accuracy.set(accuracy, { task, window: 'all' });
      if (recent.accuracy !== null) this.#metrics.accuracy.set(recent.accuracy, { task, window: 'recent' });
    }
  }
}

function registerJoinMetrics(metrics: Metrics) {
  return {
    predictions: metrics.counter('headwater_predictions_total', 'Predictions published', [
      'task',
      'answered',
    ]),
    examples: metrics.counter('headwater_examples_total', 'Examples written, erased ones too', ['task']),
    images: metrics.gauge('headwater_join_images', 'Images whose vectors this process keeps'),
    unmatched: metrics.gauge('headwater_labels_unmatched', 'Labels that wait for their image'),
    drifts: metrics.counter(
      'headwater_image_drifts_total',
      'Times that images, labelled or not, were found to look newer than what was learned',
      ['task', 'extractor', 'kind'],
    ),
    novelty: metrics.gauge(
      'headwater_image_novelty_mean_ratio',
      'Mean novelty of the newest images of each partition; 0.5 while they look like what was learned',
      ['task'],
    ),
    shifted: metrics.gauge(
      'headwater_image_shifted_partitions',
      'Partitions whose newest images look newer than what was learned',
      ['task'],
    ),
    accuracy: metrics.gauge(
      'headwater_served_accuracy_ratio',
      'Published predictions that agree with the first label that came',
      ['task', 'window'],
    ),
  };
}

function later(a: number | null, b: number | null): number | null {
  return a === null || (b !== null && b > a) ? b : a;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
