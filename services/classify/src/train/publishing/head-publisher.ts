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
  readonly board: TrainMetrics;
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
  readonly #lines = new Map<string, readonly HeadSeries[]>();
  /** Series whose newest head is not in the store yet. */
  readonly #unkept = new Set<HeadSeries>();
  readonly #serving: ServingView;

  constructor(options: HeadPublisherOptions) {
    this.#options = options;
    this.#serving = new ServingView(options.table);
  }

  /** Loads the scores of the store and the heads of the table, which must have caught up. */
  async open(sets: readonly SetName[], store: StateReader): Promise<void> {
    for (const line of sets.flatMap((set) => this.lines(set))) {
      line.scores = SeriesScores.restore(store.get(scoresKey(line)), store.get(measuredKey(line)));
      await this.#restoreNewestHead(line);
      const solved = readSolved(store, line);
      line.choicesUnknown = line.newest !== undefined && solved === undefined;
      const isOther = solved !== undefined && solved.choices !== this.#choices(line);
      line.outdated = isOther || isOfOtherArithmetic(line);
      this.#options.board.show(line);
    }
  }

  /** One series of each kind, in order of preference. */
  lines({ extractor, task }: SetName): readonly HeadSeries[] {
    const id = setId(extractor, task);
    const lines =
      this.#lines.get(id) ??
      this.#options.settingsOf(task).kinds.map((kind) => newHeadSeries(extractor, task, kind));
    this.#lines.set(id, lines);
    return lines;
  }

  allSeries(): HeadSeries[] {
    return [...this.#lines.values()].flat();
  }

  /** Whether predictions wait for heads of this series: it serves, or would be the first to. */
  serves(line: HeadSeries): boolean {
    const serving = this.#serving.activation(line.task);
    if (serving === undefined) return line.kind === this.#options.settingsOf(line.task).kinds[0];
    return serving.extractor === line.extractor && serving.kind === line.kind;
  }

  /** Whether this version of the head serves its task, as committed here. */
  isServing({ task, extractor, kind, version }: HeadTrained): boolean {
    const serving = this.#serving.activation(task);
    return serving?.extractor === extractor && serving.kind === kind && serving.version === version;
  }

  /** Writes what must survive a restart beside the examples and the scores. */
  keep(draft: Draft): void {
    for (const line of this.#unkept) {
      const solved: Solved = { digest: line.newest?.digest ?? '', choices: this.#choices(line) };
      draft.put(solvedKey(line), Buffer.from(JSON.stringify(solved)));
    }
    this.#unkept.clear();
  }

  /**
   * The same heads again where new examples changed nothing: their watermark moves on, their version does
   * not.
   */
  refresh(lines: readonly HeadSeries[], watermark: bigint): PublishedHead[] {
    const heads: PublishedHead[] = [];
    for (const { newest } of lines) {
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
      const line = this.lines(trained).find(({ kind }) => kind === trained.kind);
      if (line !== undefined) setNewestHead(line, trained, classifier);
    }
    for (const { line } of solved) {
      line.choicesUnknown = false;
      this.#unkept.add(line);
    }
    this.#serving.committed(serving);
    for (const line of this.allSeries()) this.#options.board.show(line);
  }

  close(): void {
    for (const line of this.allSeries()) this.#options.board.hide(line);
  }

  #version({ line, head, parameters, classifier, watermark, cause }: SolvedHead): PublishedHead {
    const { extractor, task, newest, scores } = line;
    if (newest !== undefined && confirmsStoredHead(line, head)) {
      return { trained: { ...newest, watermark: Math.max(newest.watermark, Number(watermark)) } };
    }
    const version = this.#nextVersion(line);
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
    for (const task of new Set(this.allSeries().map((line) => line.task))) {
      const taught = sets.filter((set) => set.task === task).flatMap((set) => this.lines(set));
      const newest = taught.map((line) => heads.find(isOf(line))?.trained ?? line.newest);
      const recent = (head: HeadTrained) =>
        taught.find((line) => line.extractor === head.extractor && line.kind === head.kind)?.scores.recent;
      const choice = chooseServing(newest, this.#serving.activation(task), this.#options.extractors, recent);
      if (choice !== undefined) serving.set(task, choice);
    }
    return serving;
  }

  #trace(head: HeadTrained) {
    const former = this.lines(head).find(({ kind }) => kind === head.kind)?.newest?.watermark;
    return this.#options.traces?.of(head, head.watermark, former ?? 0);
  }

  /** The table knows every committed version, and this series those that the table may not show yet. */
  #nextVersion(line: HeadSeries): number {
    return Math.max(line.newest?.version ?? 0, this.#options.table.highestVersion(line)) + 1;
  }

  #choices({ task, kind }: HeadSeries): string {
    return choicesOf(kind, this.#options.settingsOf(task));
  }

  async #restoreNewestHead(line: HeadSeries): Promise<void> {
    const { table, blobs, logger } = this.#options;
    const { task, kind } = line;
    const newest = table.newest(line);
    if (newest === undefined) return;
    try {
      const { parameters } = newest;
      const bytes = parameters instanceof Uint8Array ? parameters : await blobs.get(parameters);
      setNewestHead(line, newest, openHead({ ...newest, parameters: bytes }));
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
function readSolved(store: StateReader, line: HeadSeries): Solved | undefined {
  const bytes = store.get(solvedKey(line));
  const solved = bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as Solved);
  return solved?.digest === line.newest?.digest ? solved : undefined;
}

function isOf(line: HeadSeries): (head: PublishedHead) => boolean {
  return ({ trained }) =>
    trained.extractor === line.extractor && trained.task === line.task && trained.kind === line.kind;
}
