/**
 * Decides the version of each solved head of a partition, the records that publish it, and the head that
 * serves each task. Decisions take effect with the commit.
 */
import { arithmeticOf, type Classifier, openHead } from '@headwater/heads';
import type { Logger, LogRecord, OutgoingRecord } from '@headwater/log';
import type { HeadActivated, HeadTrained } from '@headwater/schemas';
import { chooseServing, isSameHead } from '../../model-registry/serving-choice.ts';
import { servingRecord } from '../../model-registry/serving-record.ts';
import { ServingView } from '../../model-registry/serving-view.ts';
import type { Draft, StateReader } from '../../store/state.ts';
import type { SettingsOf } from '../../task-settings.ts';
import type { SetName } from '../examples/erasures.ts';
import { measuredKey, scoresKey, setId, solvedKey } from '../examples/example-bytes.ts';
import { type HeadSeries, newHeadSeries, setNewestHead } from '../scoring/head-series.ts';
import { SeriesScores } from '../scoring/series-scores.ts';
import type { TrainMetrics } from '../scoring/train-metrics.ts';
import type { SolvedHead } from '../solving/background-solves.ts';
import { choicesOf } from '../training-set-settings.ts';
import type { LearnedTraces } from './learned-traces.ts';
import { expiredVersionTombstones, headRecord, headTrained, type PublicationOptions } from './publication.ts';

export interface HeadPublisherOptions extends PublicationOptions {
  /**
   * Each training set has a head series of each kind; other settings give other heads of the same examples.
   */
  readonly settingsOf: SettingsOf;
  readonly trainMetrics: TrainMetrics;
  /** Default: heads have no trace. */
  readonly traces?: LearnedTraces;
  readonly logger: Logger;
}

/** The newest head of a series, and the settings with which it was solved. */
interface Solved {
  readonly digest: string;
  readonly choices: string;
}

/** Heads that are being published. */
export interface Publication {
  readonly records: readonly OutgoingRecord[];
  readonly heads: readonly PublishedHead[];
  readonly solved: readonly SolvedHead[];
  /** Serving head by task from the commit on; null: none. */
  readonly serving: ReadonlyMap<string, HeadActivated | null>;
}

export interface PublishedHead {
  readonly trained: HeadTrained;
  /** Left out when only the watermark moved. */
  readonly classifier?: Classifier;
  readonly cause?: LogRecord;
}

export class HeadPublisher {
  readonly #options: HeadPublisherOptions;
  readonly #series = new Map<string, readonly HeadSeries[]>();
  /** Series whose newest head is not in the store yet. */
  readonly #unkept = new Set<HeadSeries>();
  readonly #serving: ServingView;

  constructor(options: HeadPublisherOptions) {
    this.#options = options;
    this.#serving = new ServingView(options.table);
  }

  /** Loads the scores of the store and the heads of the table, which must have caught up. */
  async open(sets: readonly SetName[], store: StateReader): Promise<void> {
    for (const series of sets.flatMap((set) => this.seriesOf(set))) {
      series.scores = SeriesScores.restore(store.get(scoresKey(series)), store.get(measuredKey(series)));
      await this.#restoreNewestHead(series);
      const solved = readSolved(store, series);
      series.choicesUnknown = series.newest !== undefined && solved === undefined;
      const isOther = solved !== undefined && solved.choices !== this.#choices(series);
      series.outdated = isOther || isOfOtherArithmetic(series);
      this.#options.trainMetrics.show(series);
    }
  }

  /** One series of each kind, in order of preference. */
  seriesOf({ extractor, task }: SetName): readonly HeadSeries[] {
    const id = setId(extractor, task);
    const seriesList =
      this.#series.get(id) ??
      this.#options.settingsOf(task).kinds.map((kind) => newHeadSeries(extractor, task, kind));
    this.#series.set(id, seriesList);
    return seriesList;
  }

  allSeries(): HeadSeries[] {
    return [...this.#series.values()].flat();
  }

  /** Whether predictions wait for heads of this series: it serves, or would be the first to. */
  serves(series: HeadSeries): boolean {
    const serving = this.#serving.activation(series.task);
    if (serving === undefined) return series.kind === this.#options.settingsOf(series.task).kinds[0];
    return serving.extractor === series.extractor && serving.kind === series.kind;
  }

  /** Whether this version of the head serves its task, as committed here. */
  isServing({ task, extractor, kind, version }: HeadTrained): boolean {
    const serving = this.#serving.activation(task);
    return serving?.extractor === extractor && serving.kind === kind && serving.version === version;
  }

  /** Writes what must survive a restart beside the examples and the scores. */
  keep(draft: Draft): void {
    for (const series of this.#unkept) {
      const solved: Solved = { digest: series.newest?.digest ?? '', choices: this.#choices(series) };
      draft.put(solvedKey(series), Buffer.from(JSON.stringify(solved)));
    }
    this.#unkept.clear();
  }

  /**
   * The same heads again where new examples changed nothing: their watermark moves on, their version does
   * not.
   */
  refresh(seriesList: readonly HeadSeries[], watermark: bigint): PublishedHead[] {
    const heads: PublishedHead[] = [];
    for (const { newest } of seriesList) {
      if (newest === undefined || newest.watermark >= Number(watermark)) continue;
      heads.push({ trained: { ...newest, watermark: Number(watermark) } });
    }
    return heads;
  }

  /** The records that publish these heads under their next versions, and the activations that follow. */
  compose(
    solved: readonly SolvedHead[],
    moved: readonly PublishedHead[],
    sets: readonly SetName[],
  ): Publication {
    const heads = [...solved.map((one) => this.#version(one)), ...moved];
    const serving = this.#choose(heads, sets);
    const records = heads.flatMap(({ trained, classifier, cause }) => [
      { ...headRecord(trained, this.#options, cause), ...this.#trace(trained) },
      ...(classifier === undefined ? [] : expiredVersionTombstones(trained, this.#options)),
    ]);
    for (const [task, activation] of serving) {
      const cause = heads.find(({ trained }) => trained.task === task)?.cause;
      const head = heads.find(({ trained }) => activation !== null && isSameHead(trained, activation));
      const trace = head === undefined ? {} : this.#trace(head.trained);
      records.push({ ...servingRecord(task, activation, this.#options, { cause }), ...trace });
    }
    return { records, heads, solved, serving };
  }

  committed({ heads, serving, solved }: Publication): void {
    for (const { trained, classifier } of heads) {
      const series = this.seriesOf(trained).find(({ kind }) => kind === trained.kind);
      if (series !== undefined) setNewestHead(series, trained, classifier);
    }
    for (const { series } of solved) {
      series.choicesUnknown = false;
      this.#unkept.add(series);
    }
    this.#serving.committed(serving);
    for (const series of this.allSeries()) this.#options.trainMetrics.show(series);
  }

  close(): void {
    for (const series of this.allSeries()) this.#options.trainMetrics.hide(series);
  }

  #version({ series, head, parameters, classifier, watermark, cause }: SolvedHead): PublishedHead {
    const { extractor, task, newest, scores } = series;
    if (newest !== undefined && confirmsStoredHead(series, head)) {
      return { trained: { ...newest, watermark: Math.max(newest.watermark, Number(watermark)) } };
    }
    const version = this.#nextVersion(series);
    const context = { extractor, task, version, watermark, prequential: scores.measurements() };
    const trained = headTrained(head, context, parameters);
    return { trained, classifier, ...(cause === undefined ? {} : { cause }) };
  }

  /**
   * Changes of serving heads by task; null where the last example went, so that no erased example goes on
   * serving.
   */
  #choose(heads: readonly PublishedHead[], sets: readonly SetName[]): Map<string, HeadActivated | null> {
    const serving = new Map<string, HeadActivated | null>();
    for (const task of new Set(this.allSeries().map((series) => series.task))) {
      const taught = sets.filter((set) => set.task === task).flatMap((set) => this.seriesOf(set));
      const newest = taught.map((series) => heads.find(isOf(series))?.trained ?? series.newest);
      const recent = (head: HeadTrained) =>
        taught.find((series) => series.extractor === head.extractor && series.kind === head.kind)?.scores
          .recent;
      const choice = chooseServing(newest, this.#serving.activation(task), this.#options.extractors, recent);
      if (choice !== undefined) serving.set(task, choice);
    }
    return serving;
  }

  #trace(head: HeadTrained) {
    const former = this.seriesOf(head).find(({ kind }) => kind === head.kind)?.newest?.watermark;
    return this.#options.traces?.of(head, head.watermark, former ?? 0);
  }

  /** The table knows every committed version, and this series those that the table may not show yet. */
  #nextVersion(series: HeadSeries): number {
    return Math.max(series.newest?.version ?? 0, this.#options.table.highestVersion(series)) + 1;
  }

  #choices({ task, kind }: HeadSeries): string {
    return choicesOf(kind, this.#options.settingsOf(task));
  }

  async #restoreNewestHead(series: HeadSeries): Promise<void> {
    const { table, blobs, logger } = this.#options;
    const { task, kind } = series;
    const newest = table.newest(series);
    if (newest === undefined) return;
    try {
      const { parameters } = newest;
      const bytes = parameters instanceof Uint8Array ? parameters : await blobs.get(parameters);
      setNewestHead(series, newest, openHead({ ...newest, parameters: bytes }));
    } catch (error) {
      const fields = { task, kind, version: newest.version, reason: String(error) };
      logger.error(fields, 'newest head cannot be opened; solving anew');
    }
  }
}

/** Solved by another version of the program, which gives another head for the same examples. */
function isOfOtherArithmetic({ newest, kind }: HeadSeries): boolean {
  return newest !== undefined && newest.arithmetic !== arithmeticOf(kind);
}

/** The head solved again is the stored one: its version stays. */
function confirmsStoredHead(
  { choicesUnknown, outdated, newest }: HeadSeries,
  head: SolvedHead['head'],
): boolean {
  return choicesUnknown && !outdated && newest?.digest === head.digest && newest.setDigest === head.setDigest;
}

/** Undefined where the newest head is another one. */
function readSolved(store: StateReader, series: HeadSeries): Solved | undefined {
  const bytes = store.get(solvedKey(series));
  const solved = bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as Solved);
  return solved?.digest === series.newest?.digest ? solved : undefined;
}

function isOf(series: HeadSeries): (head: PublishedHead) => boolean {
  return ({ trained }) =>
    trained.extractor === series.extractor && trained.task === series.task && trained.kind === series.kind;
}
