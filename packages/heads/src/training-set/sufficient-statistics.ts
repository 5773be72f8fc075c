/**
 * Sufficient statistics of the linear heads: counts n, sums s and the Gram matrix G. They are sums of integers, so that adding,
 * merging and removing are exact and commute.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Kernel } from '../kernel/api.ts';
import { Gram, paddedDimensions } from '../kernel/gram.ts';
import { compareUtf8 } from '../numerics/utf8-order.ts';

/** Maximum number of examples for which every sum is exact, without a random feature expansion and with it (see gram.ts). */
export const maximumExamples = 2 ** 27;
export const maximumExpandedExamples = 2 ** 26;

interface ClassSum {
  count: number;
  readonly sum: Float64Array;
}

/** Read-only counts, sums and Gram matrix. */
export interface ReadonlyStatistics {
  readonly dimensions: number;
  /** Dimensions padded to a multiple of four. */
  readonly width: number;
  readonly examples: number;
  /** In the order of their UTF-8 bytes. */
  readonly classes: readonly string[];
  readonly kernel: Kernel;
  /** G, in the layout of gram.ts. Valid until the next change. */
  readonly gram: Float64Array;
  count(label: string): number;
  /** Σ x over the examples of a class, `width` long. */
  sum(label: string): Float64Array;
}

export class SufficientStatistics implements ReadonlyStatistics {
  readonly dimensions: number;
  readonly width: number;
  #examples = 0;
  readonly #classes = new Map<string, ClassSum>();
  #order: string[] | null = null;
  readonly kernel: Kernel;
  readonly #gram: Gram;
  readonly #maximum: number;

  constructor(dimensions: number, kernel: Kernel, maximum = maximumExamples) {
    this.#maximum = maximum;
    this.dimensions = dimensions;
    this.width = paddedDimensions(dimensions);
    this.kernel = kernel;
    this.#gram = new Gram(this.width, kernel);
  }

  get examples(): number {
    return this.#examples;
  }

  get classes(): readonly string[] {
    this.#order ??= [...this.#classes.keys()].sort(compareUtf8);
    return this.#order;
  }

  count(label: string): number {
    return this.#classes.get(label)?.count ?? 0;
  }

  sum(label: string): Float64Array {
    return this.#classes.get(label)?.sum ?? new Float64Array(this.width);
  }

  get gram(): Float64Array {
    return this.#gram.entries;
  }

  /** Errors: statistics-overflow. */
  checkRoom(examples: number): void {
    if (this.#examples + examples <= this.#maximum) return;
    throw new HeadwaterError(
      'statistics-overflow',
      `training set is limited to ${this.#maximum} examples, beyond which sums would not be exact`,
    );
  }

  add(label: string, vector: Int16Array): void {
    const entry = this.#classes.get(label) ?? this.#createClass(label);
    entry.count++;
    this.#examples++;
    for (let i = 0; i < vector.length; i++) entry.sum[i] = (entry.sum[i] ?? 0) + (vector[i] ?? 0);
    this.#gram.add(vector, false);
  }

  /** Requires that the class has an example. */
  remove(label: string, vector: Int16Array): void {
    const entry = this.#classes.get(label) ?? this.#createClass(label);
    entry.count--;
    this.#examples--;
    for (let i = 0; i < vector.length; i++) entry.sum[i] = (entry.sum[i] ?? 0) - (vector[i] ?? 0);
    if (entry.count === 0) this.#dropClass(label);
    this.#gram.add(vector, true);
  }

  merge(other: SufficientStatistics): void {
    for (const label of other.classes) this.restoreClass(label, other.count(label), other.sum(label));
    this.restoreGram(other.gram);
  }

  /** Adds stored counts and sums of a class. */
  restoreClass(label: string, count: number, sum: Float64Array): void {
    const entry = this.#classes.get(label) ?? this.#createClass(label);
    entry.count += count;
    this.#examples += count;
    for (let i = 0; i < sum.length; i++) entry.sum[i] = (entry.sum[i] ?? 0) + (sum[i] ?? 0);
  }

  /** Adds the entries of another Gram matrix. */
  restoreGram(entries: Float64Array): void {
    this.#gram.merge(entries);
  }

  #createClass(label: string): ClassSum {
    const entry = { count: 0, sum: new Float64Array(this.width) };
    this.#classes.set(label, entry);
    this.#order = null;
    return entry;
  }

  #dropClass(label: string): void {
    this.#classes.delete(label);
    this.#order = null;
  }
}
