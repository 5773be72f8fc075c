/**
 * The training sets of one partition's tasks, in memory. Removal is exact to the last bit: a failed batch is
 * undone, and a restart sums the same examples to the same digest.
 */
import { createTrainingSet, type TrainingSet } from '@headwater/heads';
import { EventLoopBudget } from '../../event-loop.ts';
import { noProgress, type RebuildProgress } from '../../store/rebuild-progress.ts';
import type { StateReader } from '../../store/state.ts';
import { setOptionsOf, type TrainingSetSettingsOf } from '../training-set-settings.ts';
import { setId } from './example-bytes.ts';
import { type SetChange, storedExamples, storedSets } from './trainer-state.ts';

export class TrainingSets {
  readonly #sets = new Map<string, TrainingSet>();
  readonly #rulesOf: TrainingSetSettingsOf;
  #isWhole = true;

  constructor(rulesOf: TrainingSetSettingsOf = () => ({})) {
    this.#rulesOf = rulesOf;
  }

  /** Sums the stored examples. */
  static async load(
    reader: StateReader,
    rulesOf?: TrainingSetSettingsOf,
    progress: RebuildProgress = noProgress,
  ): Promise<TrainingSets> {
    const sets = new TrainingSets(rulesOf);
    const eventLoop = new EventLoopBudget();
    const stored = storedSets(reader);
    progress.begin(
      'sums',
      stored.reduce((sum, { inside }) => sum + inside, 0),
    );
    for (const { extractor, task, dimensions } of stored) {
      const set = sets.#open({ extractor, task, dimensions });
      for (const example of storedExamples(reader, extractor, task)) {
        set.add(example);
        progress.advanced({ records: 1, bytes: example.vector.byteLength });
        await eventLoop.yieldIfDue();
      }
    }
    return sets;
  }

  /** False where a change was interrupted: the sets must not be used any more. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Whether the sets have as many examples as the store: a last check before they are reused. */
  agreeWith(reader: StateReader): boolean {
    const stored = storedSets(reader).filter(({ inside }) => inside > 0);
    const agree = stored.every(
      ({ extractor, task, inside }) => this.get(extractor, task)?.examples === inside,
    );
    return agree && stored.length === this.#sets.size;
  }

  get(extractor: string, task: string): TrainingSet | undefined {
    return this.#sets.get(setId(extractor, task));
  }

  all(): TrainingSet[] {
    return [...this.#sets.values()];
  }

  /** Errors: statistics-overflow. */
  apply(change: SetChange): void {
    this.#isWhole = false;
    const set = this.#open(change);
    if (change.removed !== null) set.remove(change.removed);
    for (const example of change.expired ?? []) set.remove(example);
    if (change.added !== null) set.add(change.added);
    for (const example of change.returned ?? []) set.add(example);
    this.#close(set);
    this.#isWhole = true;
  }

  /** Undoes changes, the newest first. */
  undo(changes: readonly SetChange[]): void {
    for (const change of changes.toReversed()) {
      this.apply(reversed(change));
    }
  }

  /** Reads the sample of a set again where removals have left it incomplete. */
  refill(set: TrainingSet, reader: StateReader): void {
    if (set.needsRefill) set.refill(storedExamples(reader, set.extractor, set.task));
  }

  #open(name: Pick<SetChange, 'extractor' | 'task' | 'dimensions'>): TrainingSet {
    const id = setId(name.extractor, name.task);
    const set = this.#sets.get(id) ?? createTrainingSet(setOptionsOf(name, this.#rulesOf(name.task)));
    this.#sets.set(id, set);
    return set;
  }

  #close(set: TrainingSet): void {
    if (set.examples === 0) this.#sets.delete(setId(set.extractor, set.task));
  }
}

function reversed(change: SetChange): SetChange {
  const { removed, added, expired = [], returned = [] } = change;
  return { ...change, removed: added, added: removed, expired: returned, returned: expired };
}
