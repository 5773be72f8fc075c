/**
 * The exact number of records that hold a term (a word, a category), in bounded memory. If terms were dropped on the way, the
 * result would depend on the order of the records. Therefore none is dropped, and more different terms than the limit are an
 * error in any order.
 */
import { HeadwaterError } from '@headwater/errors';
import { compareUtf8 } from '@headwater/heads/algebra';
import { z } from 'zod';

/** Longer terms, in UTF-16 code units, are ignored. */
const longestTerm = 128;

interface TermCount {
  readonly term: string;
  /** Number of records that hold it. */
  readonly records: number;
}

/** The saved form; null above the limit. */
export const savedTerms = z.array(z.tuple([z.string().max(longestTerm), z.int().positive()])).nullable();

export class TermCounts {
  readonly #method: string;
  readonly #limit: number;
  /** Null after there were more different terms than the limit. */
  #counts: Map<string, number> | null = new Map();

  /** Memory: about 100 bytes and two bytes per code unit, for each of at most `limit` terms. */
  constructor(method: string, limit: number) {
    this.#method = method;
    this.#limit = limit;
  }

  /** Restores saved counts. */
  restore(saved: z.output<typeof savedTerms>): this {
    if (saved === null) this.#counts = null;
    else for (const [term, records] of saved) this.#count(term, records);
    return this;
  }

  save(): z.output<typeof savedTerms> {
    return this.#counts === null ? null : [...this.#counts].sort(([a], [b]) => compareUtf8(a, b));
  }

  /** Adds the different terms of one record. */
  add(terms: Iterable<string>): void {
    for (const term of terms) if (term.length <= longestTerm) this.#count(term, 1);
  }

  merge(other: TermCounts): void {
    if (other.#counts === null) this.#counts = null;
    else for (const [term, records] of other.#counts) this.#count(term, records);
  }

  /**
   * The terms held by at least `fewest` and at most `most` records; the `limit` most frequent of them (of equally frequent
   * ones, the first by their UTF-8 bytes), in the order of their UTF-8 bytes. Errors: limit-exceeded.
   */
  choose({ fewest, most, limit }: { fewest: number; most: number; limit: number }): TermCount[] {
    if (this.#counts === null) {
      const text = `${this.#method} found more than ${this.#limit} different terms`;
      const advice =
        'fit on fewer records, fold case, increase the limit if there is an option, or hash terms';
      throw new HeadwaterError('limit-exceeded', `${text}; ${advice}`, { verdict: 'stop' });
    }
    const found = [...this.#counts].map(([term, records]) => ({ term, records }));
    const chosen = found.filter(({ records }) => records >= fewest && records <= most);
    chosen.sort((a, b) => b.records - a.records || compareUtf8(a.term, b.term));
    return chosen.slice(0, limit).sort((a, b) => compareUtf8(a.term, b.term));
  }

  #count(term: string, records: number): void {
    if (this.#counts === null) return;
    this.#counts.set(term, (this.#counts.get(term) ?? 0) + records);
    if (this.#counts.size > this.#limit) this.#counts = null;
  }
}
