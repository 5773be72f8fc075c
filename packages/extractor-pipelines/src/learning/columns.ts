/**
 * Learners of vectors know the number of columns from the first vector on; every later vector, and every other learner, must
 * have the same number.
 */
import { HeadwaterError } from '@headwater/errors';
import type { Value } from '@headwater/extractors';
import { insufficient } from './fitting.ts';
import { unfit, vectorOf } from './values.ts';

/** State for a number of columns. */
export interface ColumnState<Self> {
  readonly columns: number;
  /** Entries are finite, or NaN where missing. */
  add(vector: Float32Array): void;
  merge(other: Self): void;
  save(): unknown;
}

/** State that is created with the first vector. */
export class Columns<S extends ColumnState<S>> {
  #state: S | null = null;
  readonly #method: string;
  readonly #limit: number;
  readonly #create: (columns: number) => S;

  constructor(method: string, limit: number, create: (columns: number) => S) {
    this.#method = method;
    this.#limit = limit;
    this.#create = create;
  }

  /** Restores saved state; null if there was no vector. */
  restore(state: S | null): this {
    this.#state = state;
    return this;
  }

  save(): unknown {
    return this.#state?.save() ?? null;
  }

  /** Errors: record-unfit. */
  add(value: Value): void {
    const vector = vectorOf(this.#method, value, this.#state?.columns ?? null);
    if (vector === null) return;
    if (vector.length === 0 || vector.length > this.#limit) {
      throw unfit(this.#method, `takes 1 to ${this.#limit} numbers, but was given ${vector.length}`);
    }
    this.#state ??= this.#create(vector.length);
    this.#state.add(vector);
  }

  /** Errors: statistics-mismatch. */
  merge(other: Columns<S>): void {
    const theirs = other.#state;
    if (theirs === null) return;
    this.#state ??= this.#create(theirs.columns);
    if (this.#state.columns !== theirs.columns) {
      const text = `fittings of ${this.#state.columns} and of ${theirs.columns} numbers cannot be merged`;
      throw new HeadwaterError('statistics-mismatch', text);
    }
    this.#state.merge(theirs);
  }

  /** Errors: sample-insufficient. */
  get state(): S {
    if (this.#state === null) throw insufficient(this.#method, 'was given no vector');
    return this.#state;
  }
}
