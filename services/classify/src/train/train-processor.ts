/**
 * The trainer as a session of a lane of `examples`: scores what comes with the newest heads and learns it, batch by batch, and has
 * heads solved in the background from what is committed: provisional ones while labels stream in, settled ones when they pause. Learning
 * never waits for a solve. A head goes out with the next batch, or in a transaction of its own when none comes; its
 * watermark says up to which offset it has learned.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LabelledSet } from '@headwater/heads';
import type { DeadLetter, Lane, LaneOutput, LaneSession, Logger, LogRecord, Positions } from '@headwater/log';
import type { Codec, Example } from '@headwater/schemas';
import { Breath } from '../event-loop.ts';
import type { HeadsFollower } from '../model-registry/heads-follower.ts';
import type { LanesBoard } from '../partition-metrics.ts';
import { openCurrentStore } from '../store/current-store.ts';
import type { LaneStore } from '../store/partition-store.ts';
import { Draft } from '../store/state.ts';
import type { SettingsOf } from '../task-settings.ts';
import { ExampleReader } from './examples/example-reader.ts';
import { areAt, type KeptSets } from './examples/kept-sets.ts';
import { readExamples } from './examples/more-examples.ts';
import type { OpenSets } from './examples/open-sets.ts';
import { hasWindows, type SetChange } from './examples/trainer-state.ts';
import { LabelledSets } from './examples/training-sets.ts';
import {
  type Erasure,
  erasedExample,
  mayHold,
  readErasures,
  withErasedHeads,
} from './publishing/erasures.ts';
import { HeadPublisher, type HeadPublisherOptions, type Publication } from './publishing/head-publisher.ts';
import { keepParameters } from './publishing/publication.ts';
import { isBehind, isSettled, type TaskLine } from './scoring/head-series.ts';
import { Scoring } from './scoring/scoring.ts';
import { BackgroundSolves } from './solving/background-solves.ts';
import type { Solver } from './solving/solver.ts';

/** Part of the store's identity: a store of another format is rebuilt. */
const formatVersion = 4;

export interface TrainSessionOptions extends HeadPublisherOptions {
  readonly settingsOf: SettingsOf;
  readonly solver: Solver;
  readonly group: string;
  readonly folder: string;
  readonly storeMaxAgeMs: number;
  readonly partitions: number;
  readonly examplesTopic: string;
  readonly examples: Codec<Example>;
  readonly follower: Pick<HeadsFollower, 'catchUp' | 'onHeads'>;
  readonly lanes: LanesBoard;
  /** Told of the lane's sets while it is open. */
  readonly openSets?: OpenSets;
  /** Where a lane's sets wait while it is opened anew. */
  readonly keptSets?: KeptSets;
  readonly logger: Logger;
  earliest(topic: string, partition: number): Promise<bigint>;
  /** The offset after the last one. */
  end(topic: string, partition: number): Promise<bigint>;
}

/** Opens the lane's store, brings it to the committed positions, and has its sets. Errors: store-unavailable. */
export async function openTrainSession(options: TrainSessionOptions, lane: Lane): Promise<LaneSession> {
  const began = performance.now();
  const reader = new ExampleReader({ ...options, lane: lane.index });
  const { store, kept, rolled } = await openStore(options, lane, reader);
  try {
    const sets = kept ?? (await LabelledSets.load(store, options.settingsOf));
    await options.follower.catchUp();
    const publisher = new HeadPublisher(options);
    await publisher.open(sets.all(), store);
    const milliseconds = Math.round(performance.now() - began);
    const fields = { ...rolled, setsKept: kept !== undefined, milliseconds };
    options.logger.info({ role: 'train', lane: lane.index, ...fields }, 'lane opened');
    options.openSets?.opened(lane.index, { store, sets });
    return new TrainSession(options, lane, { store, sets, reader, publisher });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** With the sets that were kept of the lane, where they go on from where the store does. */
async function openStore(options: TrainSessionOptions, lane: Lane, reader: ExampleReader) {
  const { group, partitions, settingsOf } = options;
  let kept = options.keptSets?.take(lane.index);
  const { store, rolled } = await openCurrentStore({
    folder: `${options.folder}/${lane.index}`,
    identity: JSON.stringify(['train', formatVersion, group, partitions]),
    fits: (reader) => hasWindows(reader, settingsOf),
    lane,
    begin: (from) => {
      if (kept !== undefined && !areAt(kept, from)) kept = undefined;
    },
    apply: async (records, draft) => {
      for (const change of await reader.replay(records, draft)) kept?.sets.apply(change);
    },
    earliest: (topic) => options.earliest(topic, lane.index),
    maxAgeMs: options.storeMaxAgeMs,
  });
  return { store, rolled, kept: kept?.sets.agreeWith(store) ? kept.sets : undefined };
}

interface TrainParts {
  readonly store: LaneStore;
  readonly sets: LabelledSets;
  readonly reader: ExampleReader;
  readonly publisher: HeadPublisher;
}

class TrainSession implements LaneSession {
  readonly #options: TrainSessionOptions;
  readonly #lane: Lane;
  readonly #parts: TrainParts;
  readonly #solves: BackgroundSolves;
  readonly #scoring: Scoring;
  /** What the sets have learned of a batch that is not committed. */
  #pending: SetChange[] = [];
  /** Everything before it is learned, committed and in the store. */
  #position: bigint;
  #newest: LogRecord | undefined;
  /** A batch is under way: the sets may hold what will be taken back. */
  #busy = false;
  /** The sets or the store are being changed: one may be ahead of the other. */
  #changing = false;
  /** Labels have paused: the end of the partition then. */
  #pausedAt: bigint | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #ignoreFree: () => void;
  readonly #ignoreHeads: () => void;

  constructor(options: TrainSessionOptions, lane: Lane, parts: TrainParts) {
    this.#options = options;
    this.#lane = lane;
    this.#parts = parts;
    this.#position = lane.positions.get(options.examplesTopic) ?? 0n;
    this.#scoring = new Scoring(options);
    this.#solves = new BackgroundSolves({
      ...options,
      keepParameters: (bytes) => keepParameters(bytes, options),
      refill: (set) => parts.sets.refill(set, parts.store),
      readExamples: (set, signal) => readExamples(parts.store, set, signal),
      changed: () => this.#solvesChanged(),
    });
    this.#ignoreFree = options.solver.onFree(() => this.#startSolves());
    this.#ignoreHeads = options.follower.onHeads((tasks) => this.#headsCame(tasks));
  }

  async process(records: readonly LogRecord[], signal: AbortSignal): Promise<LaneOutput> {
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

  /** Labels have paused: heads with full choices are solved, whose watermark is the end of the partition. */
  async idle(_signal: AbortSignal): Promise<LaneOutput | null> {
    this.#undo();
    this.#busy = false;
    this.#pausedAt = await this.#end();
    for (const line of this.#parts.publisher.allLines()) line.notBefore = 0;
    const settled = this.#linesOfSets(
      ({ line, set }) => isSettled(line, set) && !this.#solves.isUnderWay(line),
    );
    const moved = this.#parts.publisher.refresh(settled, this.#pausedAt);
    this.#startSolves();
    return this.#outputAlone(this.#compose(moved));
  }

  /** Heads that were solved meanwhile. */
  async offer(_signal: AbortSignal): Promise<LaneOutput | null> {
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
    this.#options.openSets?.closed(this.#lane.index, this.#parts);
    this.#keepSets();
    await this.#parts.store.close();
  }

  /** For the lane's next opening, unless something of this one still goes on. */
  #keepSets(): void {
    if (this.#changing) return;
    this.#undo();
    const { sets, store } = this.#parts;
    if (sets.isWhole) this.#options.keptSets?.keep(this.#lane.index, { sets, positions: store.positions });
  }

  async #learn(records: readonly LogRecord[], draft: Draft, signal: AbortSignal): Promise<DeadLetter[]> {
    const breath = new Breath();
    const { reader, sets, publisher } = this.#parts;
    const deadLetters: DeadLetter[] = [];
    for (const record of records) {
      await breath.take(signal);
      try {
        const change = await reader.learn(record, draft);
        const erased = erasedExample(record);
        if (erased !== undefined) this.#scoring.forget(publisher.lines(erased), erased.imageId);
        if (change === undefined) continue;
        this.#scoring.score(publisher.lines(change), change);
        sets.apply(change);
        this.#pending.push(change);
      } catch (error) {
        deadLetters.push({ record, stage: 'train', error: deadLetterOf(error) });
      }
    }
    return deadLetters;
  }

  /**
   * Somebody pinned a head, or let go of it, or imported one that may have learned what was erased here: what follows of it must not wait
   * for the next label.
   */
  #headsCame(tasks: ReadonlySet<string>): void {
    const { publisher, store } = this.#parts;
    const own = [...publisher.allLines(), ...readErasures(store)];
    if (own.some(({ task }) => tasks.has(task))) this.#lane.wake?.();
  }

  #solvesChanged(): void {
    if (this.#solves.solved.length > 0) this.#lane.wake?.();
    this.#startSolves();
  }

  /**
   * Where lines are behind and have rested; those that wait longest come first, those that may have nothing to learn last. Only what is
   * committed is learned.
   */
  #startSolves(): void {
    if (this.#busy) return;
    clearTimeout(this.#timer);
    const paused = this.#pausedAt !== undefined;
    const due = this.#linesOfSets(({ line, set }) => (paused ? !isSettled(line, set) : isBehind(line, set)));
    const idle = due.filter((line) => !this.#solves.isUnderWay(line));
    const later = (line: TaskLine) => Number(line.unproven && !line.outdated);
    for (const line of idle.sort((a, b) => later(a) - later(b) || a.notBefore - b.notBefore)) {
      if (line.notBefore <= Date.now()) this.#startSolve(line);
    }
    const waiting = idle.map(({ notBefore }) => notBefore - Date.now()).filter((ms) => ms > 0);
    if (waiting.length > 0) this.#timer = setTimeout(() => this.#startSolves(), Math.min(...waiting)).unref();
  }

  #startSolve(line: TaskLine): void {
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

  #linesOfSets(fits: (one: { readonly line: TaskLine; readonly set: LabelledSet }) => boolean): TaskLine[] {
    const { sets, publisher } = this.#parts;
    return sets.all().flatMap((set) => publisher.lines(set).filter((line) => fits({ line, set })));
  }

  /** A head of a set that is gone must not be published, nor one that may hold what was erased since it was begun. */
  #compose(moved: ReturnType<HeadPublisher['refresh']> = []): Publication {
    const { sets, publisher, store } = this.#parts;
    const erasures = readErasures(store);
    this.#dropErased(erasures);
    const isTaught = (set: Pick<TaskLine, 'extractor' | 'task'>) =>
      sets.get(set.extractor, set.task) !== undefined;
    const solved = this.#solves.solved.filter(({ line }) => isTaught(line));
    const publication = publisher.compose(solved, moved, sets.all());
    return withErasedHeads(publication, erasures, {
      ...this.#options,
      lines: publisher.allLines(),
      isTaught,
    });
  }

  /** They are solved again. */
  #dropErased(erasures: readonly Erasure[]): void {
    const stale = this.#solves.solved.filter(({ line, watermark }) => mayHold(erasures, line, watermark));
    for (const { line } of stale) this.#solves.drop(line);
    if (stale.length > 0) setImmediate(() => this.#startSolves());
  }

  #outputAlone(publication: Publication): LaneOutput | null {
    if (publication.records.length === 0) return null;
    return this.#output(publication, new Draft(this.#parts.store), []);
  }

  #output(
    publication: Publication,
    draft: Draft,
    deadLetters: readonly DeadLetter[],
    last?: LogRecord,
  ): LaneOutput {
    return {
      records: publication.records,
      deadLetters,
      committed: async (positions) => {
        await this.#committed(draft, positions, publication);
        this.#options.lanes.deadLettered(deadLetters);
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
    for (const line of publisher.allLines()) {
      if (sets.get(line.extractor, line.task) !== undefined) continue;
      this.#solves.drop(line);
      // Its heads may be erased: the same set, were it to come again, needs new ones.
      line.outdated = true;
    }
    this.#scoring.commit(draft, this.#pausedAt !== undefined);
    publisher.committed(publication);
    publisher.keep(draft);
    await store.write(draft.changes, positions);
    this.#changing = false;
  }

  /** The last batch was not committed, and comes again. */
  #undo(): void {
    this.#parts.sets.undo(this.#pending);
    this.#pending = [];
    this.#scoring.forgetUncommitted();
  }

  /** The end of the partition when nothing lies between it and the position, else the position. */
  async #end(): Promise<bigint> {
    const { examplesTopic: topic } = this.#options;
    const to = await this.#options.end(topic, this.#lane.index);
    const from = this.#position;
    if (to <= from) return from;
    for await (const records of this.#lane.replay({ topic, from, to })) if (records.length > 0) return from;
    return to;
  }
}

/** What is not the record's own fault goes up, to be retried or to stop the lane. */
function deadLetterOf(error: unknown): HeadwaterError {
  if (error instanceof HeadwaterError && error.verdict === 'dead-letter') return error;
  throw error;
}

/** A record's name, without what it holds: its bytes are views into a larger answer of the broker. */
function nameOf(record: LogRecord): LogRecord {
  return { ...record, key: null, value: null, headers: {} };
}
