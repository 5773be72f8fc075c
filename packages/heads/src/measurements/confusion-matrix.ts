/**
 * Which class was taken for which, how often. Everything that a report says of labels alone comes from it. Counts of each class are exact and
 * whole, so that matrices of several workers can be added up in any order. Pairs of classes are bounded: with thousands of classes there are
 * millions of them, and those that are worth a look are few.
 */
import { compareUtf8 } from '../numerics/utf8-order.ts';

/** True label, predicted label, count. */
export type ConfusionEntry = readonly [label: string, predicted: string, count: number];

/** Of one class. */
export interface ClassCounts {
  /** How often it was the true label. */
  readonly support: number;
  /** How often it was the answer. */
  readonly predicted: number;
  /** How often it was both. */
  readonly right: number;
}

/** What JSON can carry. */
export interface ConfusionState {
  readonly classes: readonly (readonly [label: string, support: number, predicted: number, right: number])[];
  /** Mistakes that are listed. */
  readonly mistakes: readonly ConfusionEntry[];
  /** How many mistakes are not. */
  readonly rest: number;
}

/** Pairs of a label and a wrong answer that are listed: all that a hundred classes have. */
export const maximumListedMistakes = 10_000;
/** Of the pairs, where they are too many, this share stays. The others make room for as many new ones: a pair that comes twice among these is seen. */
const keptShare = 0.5;
const none: ClassCounts = { support: 0, predicted: 0, right: 0 };

export class ConfusionMatrix {
  readonly #most: number;
  /** Bounded by the number of classes. */
  readonly #classes = new Map<string, ClassCounts>();
  /** Wrong answers only: true label to predicted label to count. */
  readonly #mistakes = new Map<string, Map<string, number>>();
  #listed = 0;
  #rest = 0;
  #total = 0;

  /** Lists at most so many pairs of a label and a wrong answer, the most frequent ones: see `unlisted`. */
  constructor(most = maximumListedMistakes) {
    this.#most = most;
  }

  get total(): number {
    return this.#total;
  }

  /**
   * Mistakes of pairs that are not listed; 0 while there never were too many pairs. When there are, the rarer half goes (of equals the last ones by
   * UTF-8 bytes). A pair that comes again later is counted from then on, so its count may be too small, and is never too large.
   */
  get unlisted(): number {
    return this.#rest;
  }

  /** Every class that was true or predicted, ordered by UTF-8 bytes. */
  get classes(): readonly string[] {
    return [...this.#classes.keys()].sort(compareUtf8);
  }

  /** Exact, however many pairs there are. */
  countsOf(label: string): ClassCounts {
    return this.#classes.get(label) ?? none;
  }

  /** As far as the pair is listed. */
  count(label: string, predicted: string): number {
    if (label === predicted) return this.countsOf(label).right;
    return this.#mistakes.get(label)?.get(predicted) ?? 0;
  }

  /** `times` may be negative, to take out what was put in. Errors: RangeError where a count would fall below zero. */
  add(label: string, predicted: string, times = 1): void {
    const right = label === predicted ? times : 0;
    const known = this.count(label, predicted) + (label === predicted ? 0 : this.#rest);
    const enough =
      this.countsOf(label).support + times >= 0 && this.countsOf(predicted).predicted + times >= 0;
    if (!(Number.isSafeInteger(this.#total + times) && known + times >= 0 && enough)) {
      throw new RangeError('A confusion matrix counts whole predictions, none below zero');
    }
    this.#addCounts(label, { support: times, predicted: 0, right });
    this.#addCounts(predicted, { support: 0, predicted: times, right: 0 });
    if (label !== predicted) this.#addMistakes(label, predicted, times);
  }

  merge(other: ConfusionMatrix): void {
    this.#take(other.state());
  }

  /** Right answers and listed mistakes, counts above zero, ordered by label and predicted label. */
  entries(): ConfusionEntry[] {
    const right = [...this.#classes].map(([label, counts]): ConfusionEntry => [label, label, counts.right]);
    return [...right.filter(([, , count]) => count > 0), ...this.#listMistakes()].sort(byPair);
  }

  state(): ConfusionState {
    const classes = this.classes.map((label) => {
      const { support, predicted, right } = this.countsOf(label);
      return [label, support, predicted, right] as const;
    });
    return { classes, mistakes: this.#listMistakes().sort(byPair), rest: this.#rest };
  }

  static fromState(state: ConfusionState): ConfusionMatrix {
    const matrix = new ConfusionMatrix();
    matrix.#take(state);
    return matrix;
  }

  static fromEntries(entries: Iterable<ConfusionEntry>): ConfusionMatrix {
    const matrix = new ConfusionMatrix();
    for (const [label, predicted, count] of entries) matrix.add(label, predicted, count);
    return matrix;
  }

  #take({ classes, mistakes, rest }: ConfusionState): void {
    for (const [label, support, predicted, right] of classes) {
      this.#addCounts(label, { support, predicted, right });
    }
    this.#rest += rest;
    for (const [label, predicted, count] of mistakes) this.#addMistakes(label, predicted, count);
  }

  #addCounts(label: string, more: ClassCounts): void {
    const before = this.countsOf(label);
    const support = before.support + more.support;
    const predicted = before.predicted + more.predicted;
    this.#total += more.support;
    if (support === 0 && predicted === 0) this.#classes.delete(label);
    else this.#classes.set(label, { support, predicted, right: before.right + more.right });
  }

  /** What is taken out of a pair beyond what is listed of it was counted among the rest. */
  #addMistakes(label: string, predicted: string, times: number): void {
    const row = this.#mistakes.get(label) ?? new Map<string, number>();
    const count = (row.get(predicted) ?? 0) + times;
    this.#rest += Math.min(count, 0);
    if (row.has(predicted)) this.#listed--;
    row.delete(predicted);
    if (count > 0) {
      row.set(predicted, count);
      this.#listed++;
    }
    if (row.size === 0) this.#mistakes.delete(label);
    else this.#mistakes.set(label, row);
    if (this.#listed > this.#most) this.#dropRarest();
  }

  #dropRarest(): void {
    const ranked = this.#listMistakes().sort((a, b) => b[2] - a[2] || byPair(a, b));
    this.#mistakes.clear();
    this.#listed = 0;
    const kept = Math.floor(this.#most * keptShare);
    for (const [label, predicted, count] of ranked.slice(0, kept)) this.#addMistakes(label, predicted, count);
    this.#rest += ranked.slice(kept).reduce((sum, [, , count]) => sum + count, 0);
  }

  #listMistakes(): ConfusionEntry[] {
    return [...this.#mistakes].flatMap(([label, row]) =>
      [...row].map(([predicted, count]): ConfusionEntry => [label, predicted, count]),
    );
  }
}

function byPair(a: ConfusionEntry, b: ConfusionEntry): number {
  return compareUtf8(a[0], b[0]) || compareUtf8(a[1], b[1]);
}
