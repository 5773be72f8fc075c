/**
 * How often each class was predicted as each other class. All label-only figures of a report come from it. Class counts are
 * exact integers, so that matrices of several workers can be added in any order. Pairs of classes are bounded: thousands of
 * classes have millions of pairs, and few of these matter.
 */
import { compareUtf8 } from '../numerics/utf8-order.ts';

/** True label, predicted label, count. */
export type ConfusionEntry = readonly [label: string, predicted: string, count: number];

/** Counts of one class. */
export interface ClassCounts {
  /** How often it was the true label. */
  readonly support: number;
  /** How often it was predicted. */
  readonly predicted: number;
  /** How often it was both. */
  readonly right: number;
}

/** JSON-serializable state. */
export interface ConfusionState {
  readonly classes: readonly (readonly [label: string, support: number, predicted: number, right: number])[];
  /** Listed mistakes. */
  readonly mistakes: readonly ConfusionEntry[];
  /** Number of mistakes that are not listed. */
  readonly rest: number;
}

/** Maximum number of listed pairs of a label and a wrong prediction: all pairs of a hundred classes. */
const maximumListedMistakes = 10_000;
/**
 * Share of the pairs that is kept when there are too many. The rest makes room for new pairs: one that occurs twice among these
 * is seen.
 */
const keptShare = 0.5;
const none: ClassCounts = { support: 0, predicted: 0, right: 0 };

export class ConfusionMatrix {
  readonly #most: number;
  /** Bounded by the number of classes. */
  readonly #classes = new Map<string, ClassCounts>();
  /** Wrong predictions only: true label to predicted label to count. */
  readonly #mistakes = new Map<string, Map<string, number>>();
  #listed = 0;
  #rest = 0;
  #total = 0;

  /** `most` is the maximum number of listed pairs of a label and a wrong prediction, the most frequent ones; see `unlisted`. */
  constructor(most = maximumListedMistakes) {
    this.#most = most;
  }

  get total(): number {
    return this.#total;
  }

  /**
   * Number of mistakes whose pairs are not listed; 0 unless there were too many pairs. In that case the rarer half is dropped
   * (of equals the last ones by UTF-8 bytes). A dropped pair that occurs again is counted from then on, so its count may be too
   * small, but is never too large.
   */
  get unlisted(): number {
    return this.#rest;
  }

  /** Every class that was true or predicted, ordered by UTF-8 bytes. */
  get classes(): readonly string[] {
    return [...this.#classes.keys()].sort(compareUtf8);
  }

  /** Exact, regardless of the number of pairs. */
  countsOf(label: string): ClassCounts {
    return this.#classes.get(label) ?? none;
  }

  /** Count of the pair, 0 where it is not listed. */
  count(label: string, predicted: string): number {
    if (label === predicted) return this.countsOf(label).right;
    return this.#mistakes.get(label)?.get(predicted) ?? 0;
  }

  /** A negative `times` reverts earlier additions. Errors: RangeError where a count would fall below zero. */
  add(label: string, predicted: string, times = 1): void {
    const right = label === predicted ? times : 0;
    const known = this.count(label, predicted) + (label === predicted ? 0 : this.#rest);
    const enough =
      this.countsOf(label).support + times >= 0 && this.countsOf(predicted).predicted + times >= 0;
    if (!(Number.isSafeInteger(this.#total + times) && known + times >= 0 && enough)) {
      throw new RangeError('confusion matrix counts must be non-negative integers');
    }
    this.#addCounts(label, { support: times, predicted: 0, right });
    this.#addCounts(predicted, { support: 0, predicted: times, right: 0 });
    if (label !== predicted) this.#addMistakes(label, predicted, times);
  }

  merge(other: ConfusionMatrix): void {
    this.#take(other.state());
  }

  /** Right predictions and listed mistakes with counts above zero, ordered by label and predicted label. */
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

  /** A removal beyond the listed count of a pair is subtracted from the unlisted rest. */
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
