/**
 * Metrics of the join of this process, collected from its partitions after each commit, read by the API and
 * exported.
 */
import type { Metrics } from '@headwater/service-kit';
import type { StateReader } from '../../store/state.ts';
import type { Handled } from '../partition-join.ts';
import { type ImageDrift, type ImageNovelty, readNovelties } from '../state/image-novelty.ts';
import { type PartitionCounts, readCounts, readScores } from '../state/partition-counts.ts';
import { mergeScores, noScores, type ServedScores } from '../state/served-accuracy.ts';

/** Accuracies are null until a first label. */
export interface ServedSummary {
  readonly labelled: number;
  readonly correct: number;
  readonly accuracy: number | null;
  readonly unanswered: number;
  readonly recent: { readonly labelled: number; readonly accuracy: number | null };
  readonly sinceStart: { readonly labelled: number; readonly accuracy: number | null };
}

/** Novelty of the images over the partitions of this process. */
export interface NoveltySummary {
  /** Number of judged blocks of images. */
  readonly blocks: number;
  /** How often novelty has risen. */
  readonly drifts: number;
  /** The newest first. */
  readonly driftEvents: readonly ImageDrift[];
  /** When the newest block was complete, milliseconds since the epoch; null without a known one. */
  readonly judgedAt: number | null;
  /** Partitions whose last block has shifted, and partitions with a block. */
  readonly shiftedPartitions: number;
  readonly judgedPartitions: number;
  /** Mean percentile of the last blocks: 0.5 without a shift; null before the first block. */
  readonly mean: number | null;
}

/** Maximum over all partitions, equal to that of a head series. */
const shownDrifts = 20;

/** Scores since the start of a process. */
export interface SinceStart {
  readonly labelled: number;
  readonly correct: number;
}

const noCounts: SinceStart = { labelled: 0, correct: 0 };

export type JoinCounts = PartitionCounts & { readonly predictions: number; readonly examples: number };

/** What one process knows of the join, in sums that can be merged exactly. */
export interface JoinPart {
  readonly counts: JoinCounts;
  readonly tasks: readonly {
    readonly task: string;
    /** Null where nothing was scored. */
    readonly scores: ServedScores | null;
    readonly sinceStart: SinceStart;
    readonly novelties: readonly ImageNovelty[];
  }[];
}

interface JoinPartitionView {
  readonly store: StateReader;
  counts: PartitionCounts;
  scores: ReadonlyMap<string, ServedScores>;
  novelties: ReadonlyMap<string, ImageNovelty>;
}

export class JoinMetrics {
  readonly #partitions = new Map<number, JoinPartitionView>();
  readonly #sinceStart = new Map<string, { labelled: number; correct: number }>();
  /** Tasks with gauges, which are set to zero with the last partition. */
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

  counts(): JoinCounts {
    let [images, unmatched] = [0, 0];
    for (const { counts } of this.#partitions.values()) {
      images += counts.images;
      unmatched += counts.unmatched;
    }
    return { images, unmatched, ...this.#written };
  }

  served(task: string): ServedSummary {
    return summarizeServed(this.#scores(task), this.#sinceStart.get(task));
  }

  novelty(task: string): NoveltySummary {
    return summarizeNovelty(this.#novelties(task));
  }

  /** What other processes merge with their own: of one task, or of all. */
  part(only?: string): JoinPart {
    const views = [...this.#partitions.values()];
    const tasks = new Set(views.flatMap(({ scores, novelties }) => [...scores.keys(), ...novelties.keys()]));
    const wanted = [...tasks].filter((task) => only === undefined || task === only);
    return {
      counts: this.counts(),
      tasks: wanted.map((task) => ({
        task,
        scores: this.tasks().has(task) ? this.#scores(task) : null,
        sinceStart: this.#sinceStart.get(task) ?? noCounts,
        novelties: this.#novelties(task),
      })),
    };
  }

  /** The partitions of this process with their stores. */
  partitions(): { readonly index: number; readonly store: StateReader }[] {
    return [...this.#partitions].map(([index, { store }]) => ({ index, store }));
  }

  tasks(): Set<string> {
    return new Set([...this.#partitions.values()].flatMap(({ scores }) => [...scores.keys()]));
  }

  #scores(task: string): ServedScores {
    return mergeScores([...this.#partitions.values()].map(({ scores }) => scores.get(task) ?? noScores));
  }

  #novelties(task: string): ImageNovelty[] {
    return [...this.#partitions.values()].flatMap(({ novelties }) => novelties.get(task) ?? []);
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
    examples: metrics.counter('headwater_examples_total', 'Examples written, erasures included', ['task']),
    images: metrics.gauge('headwater_join_images', 'Images with a vector in this process'),
    unmatched: metrics.gauge('headwater_labels_unmatched', 'Labels without an image'),
    drifts: metrics.counter(
      'headwater_image_drifts_total',
      'Rises of the novelty of images, labelled or not',
      ['task', 'extractor', 'kind'],
    ),
    novelty: metrics.gauge(
      'headwater_image_novelty_mean_ratio',
      'Mean novelty percentile of the newest images; 0.5 while they resemble the learned examples',
      ['task'],
    ),
    shifted: metrics.gauge(
      'headwater_image_shifted_partitions',
      'Partitions whose newest images differ from the learned examples',
      ['task'],
    ),
    accuracy: metrics.gauge(
      'headwater_served_accuracy_ratio',
      'Published predictions that agree with the first label that came',
      ['task', 'window'],
    ),
  };
}

export function summarizeServed(scores: ServedScores, sinceStart: SinceStart = noCounts): ServedSummary {
  const { labelled, correct, unanswered, recent } = scores;
  const correctRecent = recent.filter((score) => score.correct).length;
  return {
    labelled,
    correct,
    accuracy: ratio(correct, labelled),
    unanswered,
    recent: { labelled: recent.length, accuracy: ratio(correctRecent, recent.length) },
    sinceStart: {
      labelled: sinceStart.labelled,
      accuracy: ratio(sinceStart.correct, sinceStart.labelled),
    },
  };
}

/** Sums in the order of the values, so that the result does not depend on the order of the partitions. */
export function summarizeNovelty(known: readonly ImageNovelty[]): NoveltySummary {
  const last = known.flatMap((one) => one.last ?? []).sort((a, b) => a.mean - b.mean);
  return {
    blocks: known.reduce((sum, { blocks }) => sum + blocks, 0),
    drifts: known.reduce((sum, { drifts }) => sum + drifts, 0),
    driftEvents: known
      .flatMap(({ driftEvents = [] }) => driftEvents)
      .sort((a, b) => b.at - a.at || a.to - b.to)
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

function later(a: number | null, b: number | null): number | null {
  return a === null || (b !== null && b > a) ? b : a;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
