/** The common learner of codes and indicators: the categories that occur. */
import type { Value } from '@headwater/extractors';
import { z } from 'zod';
import { fittingsOf, insufficient, type Learner } from '../../learning/fitting.ts';
import { savedTerms, TermCounts } from '../../learning/term-counts.ts';

export const takesCategories = ['category', 'text', 'tokens', 'missing'] as const;

/** Maximum number of different categories of a sample: about 40 MB. */
const mostDifferent = 100_000;
const formatVersion = 1;

export const categoryOptions = {
  /** Maximum number of categories: the most frequent are kept. */
  limit: z.int().min(1).max(16_384).default(256),
  /** Minimum number of records that hold a category. */
  atLeast: z.int().min(1).default(1),
};

interface CategoryOptions extends Readonly<Record<string, unknown>> {
  readonly limit: number;
  readonly atLeast: number;
}

/** The different categories of one value; empty for a missing value. */
export function categoriesOf(value: Value): ReadonlySet<string> {
  if (value.type === 'tokens') return new Set(value.tokens);
  if (value.type === 'category') return new Set([value.category]);
  return new Set(value.type === 'text' ? [value.text] : []);
}

export function categoriesFormat(method: string) {
  const learned = z.strictObject({
    categories: z
      .array(z.string())
      .min(1)
      .refine((all) => new Set(all).size === all.length),
  });
  return { method, formatVersion, learned };
}

class CategoryLearner implements Learner<CategoryLearner> {
  readonly #method: string;
  readonly #options: CategoryOptions;
  readonly counts: TermCounts;

  constructor(method: string, options: CategoryOptions) {
    this.#method = method;
    this.#options = options;
    this.counts = new TermCounts(method, mostDifferent);
  }

  add(value: Value): void {
    this.counts.add(categoriesOf(value));
  }

  merge(other: CategoryLearner): void {
    this.counts.merge(other.counts);
  }

  save() {
    return { counts: this.counts.save() };
  }

  finish(records: number) {
    const { limit, atLeast } = this.#options;
    const chosen = this.counts.choose({ fewest: atLeast, most: records, limit });
    if (chosen.length > 0) return { categories: chosen.map(({ term }) => term) };
    throw insufficient(this.#method, `finds no category in at least ${atLeast} of ${records} records`);
  }
}

/** `fit` and `resume` of a method that learns categories. */
export function categoryFittings<O extends CategoryOptions>(method: string, options: z.ZodType<O>) {
  return fittingsOf({
    method,
    formatVersion,
    takes: takesCategories,
    options,
    start: (given) => new CategoryLearner(method, given),
    restore: (given) =>
      z.strictObject({ counts: savedTerms }).transform(({ counts }) => {
        const learner = new CategoryLearner(method, given);
        learner.counts.restore(counts);
        return learner;
      }),
  });
}
