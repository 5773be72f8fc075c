/**
 * The trainer as a session of a lane of `examples`: scores what comes with the newest head, learns it, and publishes
 * heads: provisional ones while labels stream in, settled ones when they pause. A head is an output of the
 * batch that it has learned from, so its watermark, the examples' offsets and the head are one transaction.
 */
import { setTimeout } from 'node:timers/promises';
import { HeadwaterError } from '@headwater/errors';
import type { HeadMode, LabelledSet } from '@headwater/heads';
import type { Codec, Example } from '@headwater/schemas';
import type {
  DeadLetter,
  Lane,
  LaneOutput,
  LaneSession,
  Logger,
  LogRecord,
  Positions,
} from '@headwater/stream';
import { Breath } from '../breath.ts';
import type { LanesBoard } from '../lanes-board.ts';
import type { HeadsFollower } from '../predict/heads-follower.ts';
import { type LaneStore, openLaneStore } from '../store/lane-store.ts';
import { rollForward } from '../store/roll-forward.ts';
import { Draft, type StateReader } from '../store/state.ts';
import { ExampleReader } from './example-reader.ts';
import {
  HeadPublisher,
  type HeadPublisherOptions,
  type Publication,
  type PublishedHead,
} from './head-publisher.ts';
import { LabelledSets } from './labelled-sets.ts';
import type { SetChange } from './trainer-state.ts';

/** Part of the store's identity: a store of another format is rebuilt. */
const formatVersion = 1;

/** A batch waits no longer than this for its turn to solve. */
const longestWaitMs = 2_000;

/** A timer may fire a little before its time; the solve that it was for must not wait for another batch. */
const earlyMs = 5;

export interface TrainSessionOptions extends HeadPublisherOptions {
  readonly group: string;
  readonly folder: string;
  readonly storeMaxAgeMs: number;
  readonly partitions: number;
  readonly examplesTopic: string;
  readonly examples: Codec<Example>;
  /** A batch of as many records has more behind it, and is not held up for a solve. */
  readonly fullBatch: number;
  readonly follower: Pick<HeadsFollower, 'catchUp'>;
  readonly lanes: LanesBoard;
  readonly logger: Logger;
  earliest(topic: string, partition: number): Promise<bigint>;
  /** The offset after the last one. */
  end(topic: string, partition: number): Promise<bigint>;
}

/** Opens the lane's store, brings it to the committed positions, and adds up its sets. Errors: store-unavailable. */
export async function openTrainSession(options: TrainSessionOptions, lane: Lane): Promise<LaneSession> {
  const identity = JSON.stringify(['train', formatVersion, options.group, options.partitions]);
  const store = await openLaneStore({ folder: `${options.folder}/${lane.index}`, identity });
  try {
    const reader = new ExampleReader({ ...options, lane: lane.index });
    const result = await rollForward({
      lane,
      store,
      apply: (records, draft) => reader.replay(records, draft),
      earliest: (topic) => options.earliest(topic, lane.index),
      maxAgeMs: options.storeMaxAgeMs,
    });
    const sets = await LabelledSets.load(store);
    await options.follower.catchUp();
    const publisher = new HeadPublisher(options);
    await publisher.open(sets.all(), store);
    options.logger.info({ role: 'train', lane: lane.index, ...result }, 'lane opened');
    return new TrainSession(options, lane, { store, sets, reader, publisher });
  } catch (error) {
    await store.close();
    throw error;
  }
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
  /** What the sets have learned of a batch that is not committed. */
  #pending: SetChange[] = [];
  #position: bigint;

  constructor(options: TrainSessionOptions, lane: Lane, parts: TrainParts) {
    this.#options = options;
    this.#lane = lane;
    this.#parts = parts;
    this.#position = lane.positions.get(options.examplesTopic) ?? 0n;
  }

  async process(records: readonly LogRecord[], signal: AbortSignal): Promise<LaneOutput> {
    this.#undo();
    const { store, sets, publisher } = this.#parts;
    const draft = new Draft(store);
    const deadLetters = await this.#learn(records, draft, signal);
    const watermark = (records.at(-1)?.offset ?? this.#position - 1n) + 1n;
    if (records.length < this.#options.fullBatch) await this.#awaitTurn(signal);
    const due = this.#behind().filter((set) => publisher.waitMs(set) <= earlyMs);
    const heads = await this.#solve(due, 'provisional', watermark, draft);
    publisher.keep(draft);
    return this.#output(publisher.compose(heads, sets.all(), records.at(-1)), draft, deadLetters);
  }

  /** Labels have paused: heads with full choices, whose watermark is the end of the partition. */
  async idle(_signal: AbortSignal): Promise<LaneOutput | null> {
    this.#undo();
    const { store, sets, publisher } = this.#parts;
    const watermark = await this.#end();
    const draft = new Draft(store);
    const unsettled = sets.all().filter((set) => !publisher.isSettled(set));
    const settled = sets.all().filter((set) => publisher.isSettled(set));
    const solved = await this.#solve(unsettled, 'settled', watermark, draft);
    const moved = publisher.refresh(settled, watermark);
    publisher.keep(draft);
    const publication = publisher.compose([...solved, ...moved], sets.all());
    return publication.records.length === 0 ? null : this.#output(publication, draft, []);
  }

  async close(): Promise<void> {
    this.#parts.publisher.close();
    await this.#parts.store.close();
  }

  async #learn(records: readonly LogRecord[], draft: Draft, signal: AbortSignal): Promise<DeadLetter[]> {
    const breath = new Breath();
    const { reader, sets, publisher } = this.#parts;
    const deadLetters: DeadLetter[] = [];
    for (const record of records) {
      await breath.take(signal);
      try {
        const change = await reader.learn(record, draft);
        if (change === undefined) continue;
        publisher.score(change);
        sets.apply(change);
        this.#pending.push(change);
      } catch (error) {
        deadLetters.push({ record, stage: 'train', error: deadLetterOf(error) });
      }
    }
    return deadLetters;
  }

  #behind(): LabelledSet[] {
    const { sets, publisher } = this.#parts;
    return sets.all().filter((set) => publisher.isBehind(set));
  }

  /**
   * More labels may come in the meantime and share the next solve: they queue before the lane. A turn that is far off is not
   * waited for: the next batch, or the pause after it, comes first.
   */
  async #awaitTurn(signal: AbortSignal): Promise<void> {
    const waits = this.#behind().map((set) => this.#parts.publisher.waitMs(set));
    const wait = Math.min(...waits.filter((ms) => ms <= longestWaitMs));
    if (Number.isFinite(wait) && wait > 0) await setTimeout(wait, undefined, { signal });
  }

  async #solve(
    due: readonly LabelledSet[],
    mode: HeadMode,
    watermark: bigint,
    reader: StateReader,
  ): Promise<PublishedHead[]> {
    for (const set of due) this.#parts.sets.refill(set, reader);
    return this.#parts.publisher.solve(due, mode, watermark);
  }

  #output(publication: Publication, draft: Draft, deadLetters: readonly DeadLetter[]): LaneOutput {
    return {
      records: publication.records,
      deadLetters,
      committed: (positions) => this.#committed(draft, positions, publication, deadLetters),
    };
  }

  async #committed(
    draft: Draft,
    positions: Positions,
    publication: Publication,
    deadLetters: readonly DeadLetter[],
  ): Promise<void> {
    this.#pending = [];
    this.#position = positions.get(this.#options.examplesTopic) ?? this.#position;
    this.#parts.publisher.committed(publication);
    await this.#parts.store.write(draft.changes, positions);
    this.#options.lanes.deadLettered(deadLetters);
  }

  /** The last batch was not committed, and comes again. */
  #undo(): void {
    this.#parts.sets.undo(this.#pending);
    this.#pending = [];
    this.#parts.publisher.forgetUncommitted();
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
