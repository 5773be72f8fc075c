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
import { noProgress, type RebuildProgress } from '../store/rebuild-progress.ts';
import { openRestoredStore } from '../store/restored-store.ts';
import { Draft } from '../store/state.ts';
import type { StoredPartitions } from '../store/stored-partitions.ts';
import type { StoreRestoring } from '../store-restoring.ts';
import type { SettingsOf } from '../task-settings.ts';
import { readExamples } from './examples/additional-examples.ts';
import { type Erasure, erasedExample, mayHaveLearned, readErasures } from './examples/erasures.ts';
import { ExampleReader } from './examples/example-reader.ts';
import { type LearnedRecord, logLearned } from './examples/learned-log.ts';
import type { OpenTrainingSets } from './examples/open-training-sets.ts';
import { areAtPositions, type RetainedTrainingSets } from './examples/retained-sets.ts';
import { hasWindows, type SetChange } from './examples/trainer-state.ts';
import { TrainingSets } from './examples/training-sets.ts';
import { withErasedHeadTombstones } from './publishing/erased-heads.ts';
import { HeadPublisher, type HeadPublisherOptions, type Publication } from './publishing/head-publisher.ts';
import { LearnedTraces } from './publishing/learned-traces.ts';
import { storeParameters } from './publishing/publication.ts';
import { type HeadSeries, isBehind, isSettled } from './scoring/head-series.ts';
import { LearningProgress } from './scoring/learning-progress.ts';
import { Scoring } from './scoring/scoring.ts';
import { BackgroundSolves } from './solving/background-solves.ts';
import type { Solver } from './solving/solver.ts';

/** Part of the store's identity: a store of another format is rebuilt. */
const formatVersion = 4;

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

/**
 * Opens the partition's store, brings it to the committed positions, and loads its sets. Errors:
 * store-unavailable.
 */
export async function openTrainProcessor(
  options: TrainProcessorOptions,
  partition: AssignedPartition,
): Promise<PartitionProcessor> {
  const progress = options.restoring?.progress(partition.index) ?? noProgress;
  return openWithProgress(options, partition, progress).finally(() => progress.end());
}

async function openWithProgress(
  options: TrainProcessorOptions,
  partition: AssignedPartition,
  progress: RebuildProgress,
): Promise<PartitionProcessor> {
  const began = performance.now();
  const reader = new ExampleReader({ ...options, partition: partition.index });
  const { store, kept, rolled } = await openStore(options, partition, { reader, progress });
  try {
    const sets = kept ?? (await TrainingSets.load(store, options.settingsOf, progress));
    await options.follower.catchUp();
    const traces = new LearnedTraces();
    const publisher = new HeadPublisher({ ...options, traces });
    await publisher.open(sets.all(), store);
    const milliseconds = Math.round(performance.now() - began);
    const fields = { ...rolled, setsRetained: kept !== undefined, milliseconds };
    options.logger.info({ role: 'train', partition: partition.index, ...fields }, 'partition opened');
    options.stores?.opened(partition.index, store);
    options.openTrainingSets?.opened(partition.index, { store, sets });
    return new TrainProcessor(options, partition, { store, sets, reader, publisher, traces });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Identity of the stores of the trainer; see `PartitionStoreOptions`. */
export function trainIdentity({
  group,
  partitions,
}: Pick<TrainProcessorOptions, 'group' | 'partitions'>): string {
  return JSON.stringify(['train', formatVersion, group, partitions]);
}

/** Uses the retained sets of the partition where they match the store. */
async function openStore(
  options: TrainProcessorOptions,
  partition: AssignedPartition,
  { reader, progress }: { readonly reader: ExampleReader; readonly progress: RebuildProgress },
) {
  const { settingsOf } = options;
  let kept = options.retainedSets?.take(partition.index);
  const { store, rolled } = await openRestoredStore({
    folder: `${options.folder}/${partition.index}`,
    identity: trainIdentity(options),
    fits: (reader) => hasWindows(reader, settingsOf),
    partition,
    progress,
    snapshots: options.restoring?.snapshots,
    begin: (from) => {
      if (kept !== undefined && !areAtPositions(kept, from)) kept = undefined;
    },
    apply: async (records, draft) => {
      for (const change of await reader.replay(records, draft)) kept?.sets.apply(change);
    },
    earliest: (topic) => options.earliest(topic, partition.index),
    maxAgeMs: options.storeMaxAgeMs,
  });
  return { store, rolled, kept: kept?.sets.agreeWith(store) ? kept.sets : undefined };
}

interface TrainParts {
  readonly store: PartitionStore;
  readonly sets: TrainingSets;
  readonly reader: ExampleReader;
  readonly publisher: HeadPublisher;
  readonly traces: LearnedTraces;
}

class TrainProcessor implements PartitionProcessor {
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
  /** A batch is in progress: the sets may contain changes that will be undone. */
  #busy = false;
  /** The sets or the store are changing: one may be ahead of the other. */
  #changing = false;
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
    this.#busy = true;
    this.#pausedAt = undefined;
    this.#solves.dropSettled();
    const draft = new Draft(this.#parts.store);
    this.#changing = true;
    const deadLetters = await this.#learn(records, draft, signal);
    this.#changing = false;
    return this.#output(this.#compose(), draft, deadLetters, records.at(-1));
  }

  /** Labels have paused: solves settled heads, whose watermark is the end of the partition. */
  async idle(_signal: AbortSignal): Promise<ProcessorOutput | null> {
    this.#undo();
    this.#busy = false;
    this.#pausedAt = await this.#end();
    for (const line of this.#parts.publisher.allSeries()) line.notBefore = 0;
    const settled = this.#seriesOfSets(
      ({ line, set }) => isSettled(line, set) && !this.#solves.isUnderWay(line),
    );
    const moved = this.#parts.publisher.refresh(settled, this.#pausedAt);
    this.#startSolves();
    return this.#outputAlone(this.#compose(moved));
  }

  /** Publishes the heads that were solved meanwhile. */
  async offer(_signal: AbortSignal): Promise<ProcessorOutput | null> {
    this.#undo();
    this.#busy = false;
    return this.#outputAlone(this.#compose());
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#ignoreFree();
    this.#ignoreHeads();
    this.#busy = true;
    this.#solves.close();
    this.#parts.publisher.close();
    this.#options.openTrainingSets?.closed(this.#partition.index, this.#parts);
    this.#keepSets();
    await this.#parts.store.close();
  }

  /** Keeps the sets for the next opening, unless a change is in progress. */
  #keepSets(): void {
    if (this.#changing) return;
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
        if (erased !== undefined) this.#scoring.forget(publisher.lines(erased), erased.imageId);
        if (change === undefined) continue;
        this.#scoring.score(publisher.lines(change), change);
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
    if (this.#busy) return;
    clearTimeout(this.#timer);
    const paused = this.#pausedAt !== undefined;
    const due = this.#seriesOfSets(({ line, set }) => (paused ? !isSettled(line, set) : isBehind(line, set)));
    const idle = due.filter((line) => !this.#solves.isUnderWay(line));
    const later = (line: HeadSeries) => Number(line.choicesUnknown && !line.outdated);
    for (const line of idle.sort((a, b) => later(a) - later(b) || a.notBefore - b.notBefore)) {
      if (line.notBefore <= performance.now()) this.#startSolve(line);
    }
    const waiting = idle.map(({ notBefore }) => notBefore - performance.now()).filter((ms) => ms > 0);
    if (waiting.length > 0) this.#timer = setTimeout(() => this.#startSolves(), Math.min(...waiting)).unref();
  }

  #startSolve(line: HeadSeries): void {
    const { sets, publisher } = this.#parts;
    const set = sets.get(line.extractor, line.task);
    if (set === undefined) return;
    this.#solves.start({
      line,
      set,
      mode: this.#pausedAt === undefined ? 'provisional' : 'settled',
      watermark: this.#pausedAt ?? this.#position,
      cause: this.#newest,
      serves: publisher.serves(line),
    });
  }

  #seriesOfSets(
    fits: (one: { readonly line: HeadSeries; readonly set: TrainingSet }) => boolean,
  ): HeadSeries[] {
    const { sets, publisher } = this.#parts;
    return sets.all().flatMap((set) => publisher.lines(set).filter((line) => fits({ line, set })));
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
    const solved = this.#solves.solved.filter(({ line }) => hasExamples(line));
    const publication = publisher.compose(solved, moved, sets.all());
    return withErasedHeadTombstones(publication, erasures, {
      ...this.#options,
      lines: publisher.allSeries(),
      hasExamples,
    });
  }

  /** Drops solved heads that may have learned an erased example; they are solved again. */
  #dropErased(erasures: readonly Erasure[]): void {
    const stale = this.#solves.solved.filter(({ line, watermark }) =>
      mayHaveLearned(erasures, line, watermark),
    );
    for (const { line } of stale) this.#solves.drop(line);
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
        this.#busy = false;
        this.#startSolves();
      },
    };
  }

  async #committed(draft: Draft, positions: Positions, publication: Publication): Promise<void> {
    const { publisher, sets, store } = this.#parts;
    this.#changing = true;
    this.#pending = [];
    this.#position = positions.get(this.#options.examplesTopic) ?? this.#position;
    this.#solves.published(publication.solved);
    for (const line of publisher.allSeries()) {
      if (sets.get(line.extractor, line.task) !== undefined) continue;
      this.#solves.drop(line);
      // Its heads may be erased: should the same set come again, it needs new ones.
      line.outdated = true;
    }
    this.#scoring.commit(draft, this.#pausedAt !== undefined);
    publisher.committed(publication);
    this.#progress.committed(this.#position);
    this.#reportProgress(publication);
    publisher.keep(draft);
    await store.write(draft.changes, positions);
    this.#changing = false;
  }

  #reportProgress({ heads }: Publication): void {
    const { publisher, sets } = this.#parts;
    const { board } = this.#options;
    for (const { trained } of heads) {
      if (publisher.isServing(trained)) board.learned(this.#progress.serves(trained), Date.now());
    }
    for (const line of publisher.allSeries()) {
      if (sets.get(line.extractor, line.task) === undefined) this.#progress.prune(line, this.#position);
      board.unlearned(line, this.#progress.unlearned(line));
    }
    for (const set of sets.all()) {
      const watermarks = publisher.lines(set).map(({ newest }) => newest?.watermark ?? -1);
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
