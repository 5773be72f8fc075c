/** The learners of TF-IDF: the number of records that hold each term, by the terms themselves, or by their hashes. */
import type { Value } from '@headwater/extractors';
import { z } from 'zod';
import { insufficient, type Learner } from '../../learning/fitting.ts';
import { packedFloat64, packNumbers } from '../../learning/packed-numbers.ts';
import { savedTerms, TermCounts } from '../../learning/term-counts.ts';
import { murmur3 } from './murmur3.ts';
import { countTerms } from './terms.ts';
import type { TfidfOptions } from './tfidf-options.ts';

/** The different terms of one record; none for a missing text. */
function termsOf(value: Value, { grams, joint }: TfidfOptions): Iterable<string> {
  return value.type === 'tokens' ? countTerms(value.tokens, grams, joint).keys() : [];
}

/** The absolute value of the hash modulo the number of places, as in scikit-learn. */
export function placeOf(term: string, places: number): number {
  return Math.abs(murmur3(term)) % places;
}

export class VocabularyLearner implements Learner<VocabularyLearner> {
  readonly #method: string;
  readonly #options: TfidfOptions;
  readonly counts: TermCounts;

  constructor(method: string, options: TfidfOptions) {
    this.#method = method;
    this.#options = options;
    this.counts = new TermCounts(method, options.different);
  }

  static saved(method: string, options: TfidfOptions) {
    return z.strictObject({ counts: savedTerms }).transform(({ counts }) => {
      const learner = new VocabularyLearner(method, options);
      learner.counts.restore(counts);
      return learner;
    });
  }

  add(value: Value): void {
    this.counts.add(termsOf(value, this.#options));
  }

  merge(other: VocabularyLearner): void {
    this.counts.merge(other.counts);
  }

  save() {
    return { counts: this.counts.save() };
  }

  finish(records: number) {
    const { atLeast, atMost, limit } = this.#options;
    const chosen = this.counts.choose({ fewest: atLeast, most: atMost * records, limit });
    if (chosen.length === 0) {
      const share = atMost === 1 ? '' : `, and in at most ${atMost * 100} % of them`;
      throw insufficient(this.#method, `finds no term in at least ${atLeast} of ${records} records${share}`);
    }
    return { terms: chosen.map(({ term }) => term), records: chosen.map((one) => one.records) };
  }
}

/** Memory: eight bytes per place. */
export class HashedLearner implements Learner<HashedLearner> {
  readonly #options: TfidfOptions;
  readonly #records: Float64Array;

  constructor(options: TfidfOptions) {
    this.#options = options;
    this.#records = new Float64Array(options.hashed ?? 0);
  }

  static saved(options: TfidfOptions) {
    const records = packedFloat64.refine((counts) => counts.length === options.hashed);
    return z.strictObject({ records }).transform((saved) => {
      const learner = new HashedLearner(options);
      learner.#records.set(saved.records);
      return learner;
    });
  }

  add(value: Value): void {
    const places = new Set<number>();
    for (const term of termsOf(value, this.#options)) places.add(placeOf(term, this.#records.length));
    for (const place of places) this.#records[place] = (this.#records[place] ?? 0) + 1;
  }

  merge(other: HashedLearner): void {
    other.#records.forEach((count, place) => {
      this.#records[place] = (this.#records[place] ?? 0) + count;
    });
  }

  save() {
    return { records: packNumbers(this.#records) };
  }

  finish() {
    return { records: Array.from(this.#records) };
  }
}
