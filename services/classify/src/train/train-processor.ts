/**
 * Partition processor of `examples`: scores each batch with the newest heads, learns it, and has heads solved
 * in the background: provisional ones while labels stream in, settled ones when they pause. A head is
 * published with the next batch, or in its own transaction; its watermark is the offset up to which it has
 * learned.
 */
import { asDeadLetter } from '@headwater/errors';
import type { TrainingSet } from '@headwater/heads';
import {
  type AssignedPartition,
  type DeadLetter,
  type Logger,
  type LogRecord,
  logsSteps,
  type PartitionProcessor,
  type Positions,
  type ProcessorOutput,
} from '@headwater/log';
import type { Codec, Example } from '@headwater/schemas';
import { EventLoopBudget } from '../event-loop.ts';
import type { HeadsFollower } from '../model-registry/heads-follower.ts';
import type { PartitionMetrics } from '../partition-metrics.ts';
import type { PartitionStore } from '../store/partition-store.ts';
import { Draft } from '../store/state.ts';
import type { StoredPartitions } from '../store/stored-partitions.ts';
import type { StoreRestoring } from '../store-restoring.ts';
import type { SettingsOf } from '../task-settings.ts';
import { readExamples } from './examples/additional-examples.ts';
import { type Erasure, erasedExample, mayHaveLearned, readErasures } from './examples/erasures.ts';
import type { ExampleReader } from './examples/example-reader.ts';
import { type LearnedRecord, logLearned } from './examples/learned-log.ts';
import type { OpenTrainingSets } from './examples/open-training-sets.ts';
import type { RetainedTrainingSets } from './examples/retained-sets.ts';
import type { SetChange } from './examples/trainer-state.ts';
import type { TrainingSets } from './examples/training-sets.ts';
import { withErasedHeadTombstones } from './publishing/erased-heads.ts';
import type { HeadPublisher, HeadPublisherOptions, Publication } from './publishing/head-publisher.ts';
import type { LearnedTraces } from './publishing/learned-traces.ts';
import { storeParameters } from './publishing/publication.ts';
import { type HeadSeries, isBehind, isSettled } from './scoring/head-series.ts';
import { LearningProgress } from './scoring/learning-progress.ts';
import { Scoring } from './scoring/scoring.ts';
import { BackgroundSolves } from './solving/background-solves.ts';
import type { Solver } from './solving/solver.ts';

export interface TrainProcessorOptions extends HeadPublisherOptions {
  readonly settingsOf: SettingsOf;
  readonly solver: Solver;
  readonly group: string;
  readonly folder: string;
  readonly storeMaxAgeMs: number;
  /** Hears of each store that is opened. */
  readonly stores?: StoredPartitions;
  readonly partitions: number;
  readonly examplesTopic: string;
  readonly examples: Codec<Example>;
  readonly follower: Pick<HeadsFollower, 'catchUp' | 'onHeads'>;
  readonly partitionMetrics: PartitionMetrics;
  readonly restoring?: StoreRestoring;
  /** Receives the partition's sets while it is open. */
  readonly openTrainingSets?: OpenTrainingSets;
  /** Keeps a partition's sets while it is reopened. */
  readonly retainedSets?: RetainedTrainingSets;
  readonly logger: Logger;
  earliest(topic: string, partition: number): Promise<bigint>;
  /** The offset after the last one. */
  end(topic: string, partition: number): Promise<bigint>;
}

export interface TrainParts {
  readonly store: PartitionStore;
  readonly sets: TrainingSets;
  readonly reader: ExampleReader;
  readonly publisher: HeadPublisher;
  readonly traces: LearnedTraces;
}

/**
 * What the sets contain, compared with the store:
 * - `ready`: the same; heads may be solved.
 * - `learning`: a batch is being learned.
 * - `learned`: the changes of a batch that is not committed. They are undone unless its commit follows.
 * - `committing`: a committed batch is being written to the store.
 * - `closed`: nothing changes any more.
 *
 * A batch goes from `ready` through all of them and back. After an error the partition is closed in the state that it
 * has reached, and in `learning` and `committing` the sets may be neither what the store contains nor the batch.
 */
type TrainState = 'ready' | 'learning' | 'learned' | 'committing' | 'closed';

export class TrainProcessor implements PartitionProcessor {
  readonly #options: TrainProcessorOptions;
  readonly #partition: AssignedPartition;
  readonly #parts: TrainParts;
  readonly #solves: BackgroundSolves;
  readonly #scoring: Scoring;
  readonly #progress = new LearningProgress();
  /** Changes of the sets by a batch that is not committed. */
  #pending: SetChange[] = [];
  /** What is logged of a batch once it is committed; empty unless steps are logged. */
  #learned: LearnedRecord[] = [];
  /** Everything before it is learned, committed and in the store. */
  #position: bigint;
  #newest: LogRecord | undefined;
  #state: TrainState = 'ready';
  /** Offset of the partition's end at which labels have paused. */
  #pausedAt: bigint | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #ignoreFree: () => void;
  readonly #ignoreHeads: () => void;

  constructor(options: TrainProcessorOptions, partition: AssignedPartition, parts: TrainParts) {
    this.#options = options;
    this.#partition = partition;
    this.#parts = parts;
    this.#position = partition.positions.get(options.examplesTopic) ?? 0n;
    this.#scoring = new Scoring(options);
    this.#solves = new BackgroundSolves({
      ...options,
      storeParameters: (bytes) => storeParameters(bytes, options),
      refill: (set) => parts.sets.refill(set, parts.store),
      readExamples: (set, signal) => readExamples(parts.store, set, signal),
      changed: () => this.#solvesChanged(),
    });
    this.#ignoreFree = options.solver.onFree(() => this.#startSolves());
    this.#ignoreHeads = options.follower.onHeads((tasks) => this.#headsCame(tasks));
  }

  async process(records: readonly LogRecord[], signal: AbortSignal): Promise<ProcessorOutput> {
    this.#undo();
    this.#pausedAt = undefined;
    this.#solves.dropSettled();
    const draft = new Draft(this.#parts.store);
    this.#become('learning');
    const deadLetters = await this.#learn(records, draft, signal);
    this.#become('learned');
    return this.#output(this.#compose(), draft, deadLetters, records.at(-1));
  }

  /** Labels have paused: solves settled heads, whose watermark is the end of the partition. */
  async idle(_signal: AbortSignal): Promise<ProcessorOutput | null> {
    this.#undo();
    this.#become('ready');
    this.#pausedAt = await this.#end();
    for (const series of this.#parts.publisher.allSeries()) series.retryAt = 0;
    const settled = this.#seriesOfSets(
      ({ series, set }) => isSettled(series, set) && !this.#solves.isUnderWay(series),
    );
    const moved = this.#parts.publisher.refresh(settled, this.#pausedAt);
    this.#startSolves();
    return this.#outputAlone(this.#compose(moved));
  }

  /** Publishes the heads that were solved meanwhile. */
  async offer(_signal: AbortSignal): Promise<ProcessorOutput | null> {
    this.#undo();
    this.#become('ready');
    return this.#outputAlone(this.#compose());
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#ignoreFree();
    this.#ignoreHeads();
    const isChanging = this.#state === 'learning' || this.#state === 'committing';
    this.#become('closed');
    this.#solves.close();
    this.#parts.publisher.close();
    this.#options.openTrainingSets?.closed(this.#partition.index, this.#parts);
    if (!isChanging) this.#keepSets();
    await this.#parts.store.close();
  }

  /** A commit can end after the partition was closed. */
  #become(state: TrainState): void {
    if (this.#state !== 'closed') this.#state = state;
  }

  /** Keeps the sets for the next opening. */
  #keepSets(): void {
    this.#undo();
    const { sets, store } = this.#parts;
    if (sets.isWhole)
      this.#options.retainedSets?.keep(this.#partition.index, { sets, positions: store.positions });
  }

  async #learn(records: readonly LogRecord[], draft: Draft, signal: AbortSignal): Promise<DeadLetter[]> {
    const eventLoop = new EventLoopBudget();
    const { reader, sets, publisher, traces } = this.#parts;
    const deadLetters: DeadLetter[] = [];
    const isLogged = logsSteps(this.#options.logger);
    for (const record of records) {
      await eventLoop.yieldIfDue(signal);
      try {
        const change = await reader.learn(record, draft);
        if (isLogged) this.#learned.push({ record, change });
        const erased = erasedExample(record);
        if (erased !== undefined) this.#scoring.forget(publisher.seriesOf(erased), erased.imageId);
        if (change === undefined) continue;
        this.#scoring.score(publisher.seriesOf(change), change);
        sets.apply(change);
        traces.learned(change, record);
        this.#pending.push(change);
        this.#progress.learned({ ...change, record, assignedAt: change.added?.assignedAt });
      } catch (error) {
        deadLetters.push({ record, stage: 'train', error: asDeadLetter(error) });
      }
    }
    return deadLetters;
  }

  /**
   * A head was pinned, unpinned, or imported that may have learned an erased example: the reaction must not
   * wait for the next label.
   */
  #headsCame(tasks: ReadonlySet<string>): void {
    const { publisher, store } = this.#parts;
    const own = [...publisher.allSeries(), ...readErasures(store)];
    if (own.some(({ task }) => tasks.has(task))) this.#partition.wake?.();
  }

  #solvesChanged(): void {
    if (this.#solves.solved.length > 0) this.#partition.wake?.();
    this.#startSolves();
  }

  /**
   * Starts due solves from committed examples: the longest-waiting series first, those with unknown settings
   * last.
   */
  #startSolves(): void {
    if (this.#state !== 'ready') return;
    clearTimeout(this.#timer);
    const paused = this.#pausedAt !== undefined;
    const due = this.#seriesOfSets(({ series, set }) =>
      paused ? !isSettled(series, set) : isBehind(series, set),
    );
    const idle = due.filter((series) => !this.#solves.isUnderWay(series));
    // A provisional solve that ends after labels have paused delays no settled head.
    const startOf = ({ restUntil, retryAt }: HeadSeries) => (paused ? retryAt : Math.max(restUntil, retryAt));
    const later = (series: HeadSeries) => Number(series.choicesUnknown && !series.outdated);
    for (const series of idle.sort((a, b) => later(a) - later(b) || startOf(a) - startOf(b))) {
      if (startOf(series) <= performance.now()) this.#startSolve(series);
    }
    const waiting = idle.map((series) => startOf(series) - performance.now()).filter((ms) => ms > 0);
    if (waiting.length > 0) this.#timer = setTimeout(() => this.#startSolves(), Math.min(...waiting)).unref();
  }

  #startSolve(series: HeadSeries): void {
    const { sets, publisher } = this.#parts;
    const set = sets.get(series.extractor, series.task);
    if (set === undefined) return;
    this.#solves.start({
      series,
      set,
      mode: this.#pausedAt === undefined ? 'provisional' : 'settled',
      watermark: this.#pausedAt ?? this.#position,
      cause: this.#newest,
      serves: publisher.serves(series),
    });
  }

  #seriesOfSets(
    fits: (one: { readonly series: HeadSeries; readonly set: TrainingSet }) => boolean,
  ): HeadSeries[] {
    const { sets, publisher } = this.#parts;
    return sets.all().flatMap((set) => publisher.seriesOf(set).filter((series) => fits({ series, set })));
  }

  /**
   * Excludes heads of emptied sets, and those that may have learned an example erased since they were begun.
   */
  #compose(moved: ReturnType<HeadPublisher['refresh']> = []): Publication {
    const { sets, publisher, store } = this.#parts;
    const erasures = readErasures(store);
    this.#dropErased(erasures);
    const hasExamples = (set: Pick<HeadSeries, 'extractor' | 'task'>) =>
      sets.get(set.extractor, set.task) !== undefined;
    const solved = this.#solves.solved.filter(({ series }) => hasExamples(series));
    const publication = publisher.compose(solved, moved, sets.all());
    return withErasedHeadTombstones(publication, erasures, {
      ...this.#options,
      seriesList: publisher.allSeries(),
      hasExamples,
    });
  }

  /** Drops solved heads that may have learned an erased example; they are solved again. */
  #dropErased(erasures: readonly Erasure[]): void {
    const stale = this.#solves.solved.filter(({ series, watermark }) =>
      mayHaveLearned(erasures, series, watermark),
    );
    for (const { series } of stale) this.#solves.drop(series);
    if (stale.length > 0) setImmediate(() => this.#startSolves());
  }

  #outputAlone(publication: Publication): ProcessorOutput | null {
    if (publication.records.length === 0) return null;
    return this.#output(publication, new Draft(this.#parts.store), []);
  }

  #output(
    publication: Publication,
    draft: Draft,
    deadLetters: readonly DeadLetter[],
    last?: LogRecord,
  ): ProcessorOutput {
    return {
      records: publication.records,
      deadLetters,
      committed: async (positions) => {
        await this.#committed(draft, positions, publication);
        this.#options.partitionMetrics.deadLettered(deadLetters);
        for (const one of this.#learned) logLearned(this.#options.logger, one);
        this.#learned = [];
        this.#newest = last === undefined ? this.#newest : nameOf(last);
        this.#become('ready');
        this.#startSolves();
      },
    };
  }

  async #committed(draft: Draft, positions: Positions, publication: Publication): Promise<void> {
    const { publisher, sets, store } = this.#parts;
    this.#become('committing');
    this.#pending = [];
    this.#position = positions.get(this.#options.examplesTopic) ?? this.#position;
    this.#solves.published(publication.solved);
    for (const series of publisher.allSeries()) {
      if (sets.get(series.extractor, series.task) !== undefined) continue;
      this.#solves.drop(series);
      // Its heads may be erased: should the same set come again, it needs new ones.
      series.outdated = true;
    }
    this.#scoring.commit(draft, this.#pausedAt !== undefined);
    publisher.committed(publication);
    this.#progress.committed(this.#position);
    this.#reportProgress(publication);
    publisher.keep(draft);
    await store.write(draft.changes, positions);
  }

  #reportProgress({ heads }: Publication): void {
    const { publisher, sets } = this.#parts;
    const { trainMetrics } = this.#options;
    for (const { trained } of heads) {
      if (publisher.isServing(trained)) trainMetrics.learned(this.#progress.serves(trained), Date.now());
    }
    for (const series of publisher.allSeries()) {
      if (sets.get(series.extractor, series.task) === undefined) this.#progress.prune(series, this.#position);
      trainMetrics.unlearned(series, this.#progress.unlearned(series));
    }
    for (const set of sets.all()) {
      const watermarks = publisher.seriesOf(set).map(({ newest }) => newest?.watermark ?? -1);
      this.#progress.prune(set, BigInt(Math.min(...watermarks)));
    }
  }

  /** Undoes the last batch, which was not committed and is processed again. */
  #undo(): void {
    this.#parts.sets.undo(this.#pending);
    this.#pending = [];
    this.#learned = [];
    this.#scoring.forgetUncommitted();
    this.#progress.forgetUncommitted();
  }

  /** The end of the partition when only control records lie before it, else the position. */
  async #end(): Promise<bigint> {
    const { examplesTopic: topic } = this.#options;
    const to = await this.#options.end(topic, this.#partition.index);
    const from = this.#position;
    if (to <= from) return from;
    for await (const records of this.#partition.replay({ topic, from, to }))
      if (records.length > 0) return from;
    return to;
  }
}

/** The record without its bytes, which would keep a whole fetch response in memory. */
function nameOf(record: LogRecord): LogRecord {
  return { ...record, key: null, value: null, headers: {} };
}
