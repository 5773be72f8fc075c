/** Codes and indicators learn the same thing: which categories there are. */
import type { Value } from '@headwater/extractors';
import { z } from 'zod';
import { fittingsOf, insufficient, type Learner } from '../../learning/fitting.ts';
import { savedTerms, TermCounts } from '../../learning/term-counts.ts';

export const takesCategories = ['category', 'text', 'tokens', 'missing'] as const;

/** Different categories that a sample may hold: about 40 MB at most. */
const mostDifferent = 100_000;
const formatVersion = 1;

export const categoryOptions = {
  /** Most categories: the most frequent are kept. */
  limit: z.int().min(1).max(16_384).default(256),
  /** Records that must hold a category, for it to be learned. */
  atLeast: z.int().min(1).default(1),
};

interface CategoryOptions extends Readonly<Record<string, unknown>> {
  readonly limit: number;
  readonly atLeast: number;
}

/** What one value names, each once; nothing where it is missing. */
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
