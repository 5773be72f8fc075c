/**
 * Decides for each labelled set of a lane when it is solved, under which version its head is published, and what
 * serves; and scores the newest head on what comes. What it decides counts from the commit on.
 */
import { asHeadwaterError } from '@headwater/errors';
import {
  type Classifier,
  type Head,
  type HeadKind,
  type HeadMode,
  type LabelledSet,
  openHead,
} from '@headwater/heads';
import type { HeadActivated, HeadTrained } from '@headwater/schemas';
import type { Logger, LogRecord, OutgoingRecord } from '@headwater/stream';
import type { Activation } from '../predict/heads-table.ts';
import type { Draft, StateReader } from '../store/state.ts';
import { prequentialKey, setId } from './example-bytes.ts';
import {
  decodePrequential,
  encodePrequential,
  type Prequential,
  prequentialMeasurements,
  scored,
} from './prequential.ts';
import {
  chooseServing,
  describeHead,
  headRecord,
  outdatedRecords,
  type PublicationOptions,
  servingRecord,
} from './publication.ts';
import type { Solver } from './solver.ts';
import {
  adoptHead,
  isBehind,
  isSettled,
  newLine,
  pauseAfter,
  pauseAfterFailure,
  type TaskLine,
} from './task-line.ts';
import type { TrainBoard } from './train-board.ts';
import type { SetChange } from './trainer-state.ts';

/** With which choices heads are solved; when they change, every set is solved again. */
const choicesKey = 'choices';

export interface HeadPublisherOptions extends PublicationOptions {
  readonly kind: HeadKind;
  readonly prior: 'uniform' | 'empirical';
  readonly solver: Solver;
  readonly board: TrainBoard;
  readonly logger: Logger;
}

/** Heads that are on their way into the log. */
export interface Publication {
  readonly records: readonly OutgoingRecord[];
  readonly heads: readonly PublishedHead[];
  /** Task to what serves it from the commit on; null: nothing. */
  readonly serving: ReadonlyMap<string, HeadActivated | null>;
}

export interface PublishedHead {
  readonly trained: HeadTrained;
  /** Left out when only the watermark moved. */
  readonly classifier?: Classifier;
}

export class HeadPublisher {
  readonly #options: HeadPublisherOptions;
  readonly #lines = new Map<string, TaskLine>();
  /** Scores of a batch that is not committed, by set id. */
  readonly #scores = new Map<string, Prequential>();
  /** What was committed here and the follower of the heads may not have seen yet, by task. */
  readonly #serving = new Map<string, { readonly at: number; readonly activation: HeadActivated | null }>();

  constructor(options: HeadPublisherOptions) {
    this.#options = options;
  }

  /** The scores of the store, and the heads of the table, which must have caught up. */
  async open(sets: readonly LabelledSet[], store: StateReader): Promise<void> {
    for (const set of sets) {
      const line = this.#line(set);
      line.prequential = decodePrequential(store.get(prequentialKey(setId(set.extractor, set.task))));
      await this.#adoptStored(line);
      const choices = store.get(choicesKey)?.toString('utf8');
      line.outdated = choices !== undefined && choices !== this.#choices();
      this.#options.board.show(line);
    }
  }

  isBehind(set: LabelledSet): boolean {
    return isBehind(this.#line(set), set);
  }

  isSettled(set: LabelledSet): boolean {
    return isSettled(this.#line(set), set);
  }

  /** Until the set may be solved again; zero or less: now. */
  waitMs(set: LabelledSet): number {
    return this.#line(set).notBefore - Date.now();
  }

  /** A new example is answered by the newest head before any head learns it. Corrections do not count. */
  score({ extractor, task, removed, added }: SetChange): void {
    if (removed !== null || added === null) return;
    const line = this.#line({ extractor, task });
    if (line.classifier?.dimensions !== added.vector.length) return;
    const { label, probabilities } = line.classifier.predict(added.vector);
    const probability = probabilities[line.classifier.classes.indexOf(added.label)] ?? 0;
    const id = setId(extractor, task);
    const before = this.#scores.get(id) ?? line.prequential;
    this.#scores.set(id, scored(before, label === added.label, probability));
  }

  /** What must survive a restart beside the examples. */
  keep(draft: Draft): void {
    for (const [id, scores] of this.#scores) draft.put(prequentialKey(id), encodePrequential(scores));
    draft.put(choicesKey, Buffer.from(this.#choices()));
  }

  /** One head for each set, ready to be published; a set that cannot be solved has none. Errors: blob-store-unavailable. */
  async solve(sets: readonly LabelledSet[], mode: HeadMode, watermark: bigint): Promise<PublishedHead[]> {
    const heads: PublishedHead[] = [];
    for (const set of sets) {
      const head = await this.#solve(set, mode, watermark);
      if (head !== undefined) heads.push(head);
    }
    return heads;
  }

  /** The same heads again where examples came that changed nothing: their watermark moves on, their version does not. */
  refresh(sets: readonly LabelledSet[], watermark: bigint): PublishedHead[] {
    const heads: PublishedHead[] = [];
    for (const set of sets) {
      const newest = this.#line(set).newest;
      if (newest === undefined || newest.watermark >= Number(watermark)) continue;
      heads.push({ trained: { ...newest, watermark: Number(watermark) } });
    }
    return heads;
  }

  /** The records for these heads, and for what serves once they are there. */
  compose(heads: readonly PublishedHead[], sets: readonly LabelledSet[], cause?: LogRecord): Publication {
    const serving = this.#choose(heads, sets);
    const records = heads.flatMap(({ trained, classifier }) => [
      headRecord(trained, this.#options, cause),
      ...(classifier === undefined ? [] : outdatedRecords(trained, this.#options)),
    ]);
    for (const [task, activation] of serving)
      records.push(servingRecord(task, activation, this.#options, cause));
    return { records, heads, serving };
  }

  committed({ heads, serving }: Publication): void {
    for (const { trained, classifier } of heads) adoptHead(this.#line(trained), trained, classifier);
    const at = Date.now();
    for (const [task, activation] of serving) this.#serving.set(task, { at, activation });
    for (const line of this.#lines.values()) {
      line.prequential = this.#scores.get(setId(line.extractor, line.task)) ?? line.prequential;
      this.#options.board.show(line);
    }
    this.#scores.clear();
  }

  forgetUncommitted(): void {
    this.#scores.clear();
  }

  close(): void {
    for (const line of this.#lines.values()) this.#options.board.hide(line);
  }

  async #solve(set: LabelledSet, mode: HeadMode, watermark: bigint): Promise<PublishedHead | undefined> {
    const line = this.#line(set);
    const solved = await this.#trySolve(set, line, mode);
    if (solved === undefined) return undefined;
    const prequential = this.#scores.get(setId(line.extractor, line.task)) ?? line.prequential;
    const context = {
      extractor: line.extractor,
      task: line.task,
      version: this.#nextVersion(line),
      watermark,
      prequential: prequentialMeasurements(prequential),
    };
    const trained = await describeHead(solved, context, this.#options);
    return { trained, classifier: openHead(solved) };
  }

  /** One task that cannot be solved must not keep the others from learning, or images from being answered. */
  async #trySolve(set: LabelledSet, line: TaskLine, mode: HeadMode): Promise<Head | undefined> {
    const { kind, prior, solver, board, logger } = this.#options;
    const began = performance.now();
    try {
      const head = await solver.solve(set, { kind, mode, prior });
      const solveMs = performance.now() - began;
      pauseAfter(line, solveMs);
      board.solved(mode, solveMs / 1000);
      return head;
    } catch (thrown) {
      const { code, message } = asHeadwaterError(thrown);
      const { extractor, task, examples } = set;
      logger.error({ extractor, task, examples, code, reason: message }, 'a head cannot be solved');
      board.failed(code);
      pauseAfterFailure(line);
      return undefined;
    }
  }

  /** What is to serve and does not, by task; null where the last example went, lest what was erased goes on serving. */
  #choose(heads: readonly PublishedHead[], sets: readonly LabelledSet[]): Map<string, HeadActivated | null> {
    const serving = new Map<string, HeadActivated | null>();
    for (const task of new Set([...this.#lines.values()].map((line) => line.task))) {
      const taught = sets.filter((set) => set.task === task).map((set) => this.#line(set));
      const newest = taught.map((line) => heads.find(isOf(line))?.trained ?? line.newest);
      const current = this.#activation(task);
      const choice = chooseServing(newest, current, this.#options.extractors);
      if (choice !== undefined) serving.set(task, choice);
    }
    return serving;
  }

  /** The table is the truth, but may not yet show what was committed here a moment ago. */
  #activation(task: string): Activation | undefined {
    const seen = this.#options.table.activation(task);
    const own = this.#serving.get(task);
    if (own === undefined || seen?.reason === 'pinned' || (seen?.activatedAt ?? 0) > own.at) return seen;
    return own.activation === null ? undefined : { ...own.activation, shadowed: false };
  }

  #line({ extractor, task }: { readonly extractor: string; readonly task: string }): TaskLine {
    const id = setId(extractor, task);
    const line = this.#lines.get(id) ?? newLine(extractor, task);
    this.#lines.set(id, line);
    return line;
  }

  /** The table knows every version that was ever committed, and this line those that the table may not show yet. */
  #nextVersion({ extractor, task, newest }: TaskLine): number {
    const known = this.#options.table.headsOf(task).filter((head) => head.extractor === extractor);
    return Math.max(newest?.version ?? 0, ...known.map(({ version }) => version)) + 1;
  }

  #choices(): string {
    return JSON.stringify([this.#options.kind, this.#options.prior]);
  }

  async #adoptStored(line: TaskLine): Promise<void> {
    const { table, kind, blobs, logger } = this.#options;
    const { extractor, task } = line;
    const newest = table.newest({ extractor, task, kind });
    if (newest === undefined) return;
    try {
      const { parameters } = newest;
      const bytes = parameters instanceof Uint8Array ? parameters : await blobs.get(parameters);
      adoptHead(line, newest, openHead({ ...newest, parameters: bytes }));
    } catch (error) {
      logger.error(
        { task, version: newest.version, reason: String(error) },
        'newest head cannot be opened; solving anew',
      );
    }
  }
}

function isOf(line: TaskLine): (head: PublishedHead) => boolean {
  return ({ trained }) => trained.extractor === line.extractor && trained.task === line.task;
}
