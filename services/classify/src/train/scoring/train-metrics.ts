/** Metrics of the trainers of this process by (extractor, task, kind), read by the API and exported. */
import type { HeadMode, MeasurementReport } from '@headwater/heads';
import { createEventDelay, delayBuckets, type Metrics } from '@headwater/service-kit';
import type { HeadSeries } from './head-series.ts';
import type { Drift, DriftCounts, DriftEvent } from './series-scores.ts';

const solveBuckets = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

/** A series in the process that trains it, as of the last commit. */
export interface SeriesView {
  readonly extractor: string;
  readonly task: string;
  readonly kind: string;
  readonly version: number | null;
  readonly prequential: Readonly<Record<string, number>>;
  /** How often errors and novelty have risen since the series began. */
  readonly drifts: DriftCounts;
  /** The newest first. */
  readonly driftEvents: readonly DriftEvent[];
}

type SeriesName = Pick<HeadSeries, 'extractor' | 'task' | 'kind'>;

export class TrainMetrics {
  readonly #series = new Map<string, HeadSeries>();
  readonly #metrics: ReturnType<typeof registerTrainMetrics>;

  constructor(metrics: Metrics) {
    this.#metrics = registerTrainMetrics(metrics);
  }

  show(series: HeadSeries): void {
    const { extractor, task, kind, newest } = series;
    this.#series.set(nameOf(series), series);
    if (newest === undefined) return;
    this.#metrics.version.set(newest.version, { task, extractor, kind });
    this.#metrics.examples.set(newest.examples, { task, extractor, kind });
    const { accuracy, logLoss } = series.scores.recent;
    if (accuracy !== null) this.#metrics.accuracy.set(accuracy, { task, extractor, kind });
    if (logLoss !== null) this.#metrics.logLoss.set(logLoss, { task, extractor, kind });
  }

  /** Changes of the examples that the newest head of the series has not learned. */
  unlearned({ extractor, task, kind }: SeriesName, changes: number): void {
    this.#metrics.unlearned.set(changes, { task, extractor, kind });
  }

  /** A head serves; `assignedAt`: of the labels that it is the first to have learned. */
  learned(assignedAt: readonly number[], now: number): void {
    for (const time of assignedAt) this.#metrics.labelDelay.observe(time, now);
  }

  hide(series: HeadSeries): void {
    const { extractor, task, kind } = series;
    if (this.#series.get(nameOf(series)) !== series) return;
    this.#series.delete(nameOf(series));
    this.#metrics.unlearned.remove({ task, extractor, kind });
  }

  solved(mode: HeadMode, seconds: number): void {
    this.#metrics.solve.observe(seconds, { mode });
  }

  failed(code: string): void {
    this.#metrics.failures.add(1, { code });
  }

  drifted({ extractor, task, kind }: SeriesName, sign: Drift['sign']): void {
    this.#metrics.drifts.add(1, { task, extractor, kind, sign });
  }

  /** Of one series, or of the first one of the task; empty where another process trains the task. */
  prequential(extractor: string, task: string, kind?: string): Record<string, number> {
    return this.#find(extractor, task, kind)?.scores.measurements() ?? {};
  }

  /** All measurements of a series; undefined where another process trains it. */
  report(extractor: string, task: string, kind: string): MeasurementReport | undefined {
    return this.#find(extractor, task, kind)?.scores.report();
  }

  /** The head series that this process trains, of one task or of all. */
  seriesOf(task?: string): SeriesView[] {
    const known = [...this.#series.values()].filter((series) => task === undefined || series.task === task);
    return known.map(({ extractor, task, kind, newest, scores }) => ({
      extractor,
      task,
      kind,
      version: newest?.version ?? null,
      prequential: scores.measurements(),
      drifts: scores.drifts,
      driftEvents: scores.driftEvents,
    }));
  }

  #find(extractor: string, task: string, kind?: string): HeadSeries | undefined {
    const fits = (series: HeadSeries) =>
      series.extractor === extractor && series.task === task && (kind ?? series.kind) === series.kind;
    return [...this.#series.values()].find(fits);
  }
}

function nameOf({ extractor, task, kind }: SeriesName): string {
  return JSON.stringify([extractor, task, kind]);
}

function registerTrainMetrics(metrics: Metrics) {
  const labels = ['task', 'extractor', 'kind'];
  return {
    version: metrics.gauge('headwater_head_version', 'Version of the newest head', labels),
    examples: metrics.gauge('headwater_head_examples', 'Examples that the newest head has learned', labels),
    accuracy: metrics.gauge(
      'headwater_prequential_accuracy_ratio',
      'Share of the last 500 new examples that the newest head predicted correctly before learning them',
      labels,
    ),
    logLoss: metrics.gauge(
      'headwater_prequential_log_loss_nats',
      'Mean log loss of the newest head on the last 500 new examples, before learning them',
      labels,
    ),
    drifts: metrics.counter(
      'headwater_drifts_total',
      'Detected drifts of the stream, by sign: errors or novelty',
      [...labels, 'sign'],
    ),
    unlearned: metrics.gauge(
      'headwater_examples_unlearned',
      'Changes of the examples that the newest head has not learned',
      labels,
    ),
    labelDelay: createEventDelay(
      metrics,
      'label',
      metrics.histogram(
        'headwater_label_to_head_seconds',
        'Seconds from a label to the serving head that has learned it; of labels older than an hour, from their example',
        delayBuckets,
      ),
    ),
    failures: metrics.counter('headwater_solve_failures_total', 'Failed solves', ['code']),
    solve: metrics.histogram('headwater_solve_duration_seconds', 'Time to solve a head', solveBuckets, [
      'mode',
    ]),
  };
}
