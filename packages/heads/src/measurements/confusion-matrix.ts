/**
 * Which class was taken for which, how often. Everything that a report says of labels alone comes from it; counts are integers, so
 * that matrices of several workers can be added up in any order.
 */
import { compareUtf8 } from '../utf8-order.ts';

/** True label, predicted label, count. */
export type ConfusionEntry = readonly [label: string, predicted: string, count: number];

export class ConfusionMatrix {
  /** True label to predicted label to count. Bounded by the square of the number of classes. */
  readonly #rows = new Map<string, Map<string, number>>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** Every class that was true or predicted, ordered by UTF-8 bytes. */
  get classes(): readonly string[] {
    const classes = new Set(this.#rows.keys());
    for (const row of this.#rows.values()) for (const predicted of row.keys()) classes.add(predicted);
    return [...classes].sort(compareUtf8);
  }

  count(label: string, predicted: string): number {
    return this.#rows.get(label)?.get(predicted) ?? 0;
  }

  /** `times` may be negative, to take out what was put in. Errors: RangeError where a count would fall below zero. */
  add(label: string, predicted: string, times = 1): void {
    const count = this.count(label, predicted) + times;
    if (!(Number.isSafeInteger(count) && count >= 0)) {
      throw new RangeError('A confusion matrix counts whole predictions, none below zero');
    }
    const row = this.#rows.get(label) ?? new Map<string, number>();
    if (count === 0) row.delete(predicted);
    else row.set(predicted, count);
    if (row.size === 0) this.#rows.delete(label);
    else this.#rows.set(label, row);
    this.#total += times;
  }

  merge(other: ConfusionMatrix): void {
    for (const [label, predicted, count] of other.entries()) this.add(label, predicted, count);
  }

  /** Counts above zero, ordered by label and predicted label: with `fromEntries` all that is needed to store it. */
  entries(): ConfusionEntry[] {
    const byLabel = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => compareUtf8(a, b);
    return [...this.#rows]
      .sort(byLabel)
      .flatMap(([label, row]) =>
        [...row].sort(byLabel).map(([predicted, count]): ConfusionEntry => [label, predicted, count]),
      );
  }

  static fromEntries(entries: Iterable<ConfusionEntry>): ConfusionMatrix {
    const matrix = new ConfusionMatrix();
    for (const [label, predicted, count] of entries) matrix.add(label, predicted, count);
    return matrix;
  }
}
