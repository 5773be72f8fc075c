/**
 * Automatic: inspects a sample, decides on the type of each attribute, and expands to branches that suit the image and the
 * attributes, joined into one vector in which each has the same weight. The decision is its fitted artefact; the branches are
 * then fitted themselves.
 */
import { type FittedArtefact, readOptions, type StageMethod, type Value } from '@headwater/extractors';
import { z } from 'zod';
import { openArtefact } from '../learning/artefact.ts';
import { fittingsOf, insufficient, type Learner } from '../learning/fitting.ts';
import { checkType } from '../learning/values.ts';
import { type AttributeCount, AttributeCounts } from '../methods/records/attribute-counts.ts';
import type { RawStep, Weight } from './chain-file.ts';

/** A method that expands to other steps. */
interface ExpandingMethod extends StageMethod {
  readonly expand: (options: unknown, artefact: FittedArtefact | undefined) => RawStep[];
}

export function isExpanding(method: StageMethod): method is ExpandingMethod {
  return 'expand' in method;
}

const method = 'automatic';
const takes = ['record'] as const;

const kinds = ['number', 'category', 'words', 'characters', 'ignored'] as const;
type AttributeKind = (typeof kinds)[number];

const optionsSchema = z.strictObject({
  /** The source of the image's vector: an extractor's id, a net file, `pixel-vector`; false ignores the image. */
  image: z.union([z.string().min(1), z.literal(false)]).default('efficientnet-lite0.v1'),
  /** Restricts the method to these attributes. */
  only: z.array(z.string().min(1).max(256)).min(1).max(256).optional(),
  /** Types of certain attributes, in place of detection. */
  attributes: z.record(z.string().min(1).max(256), z.enum(kinds)).default({}),
  /**
   * Attributes with at most this many different values, of at most three words and with two occurrences each on average, are
   * categories.
   */
  mostCategories: z.int().min(2).max(1_000).default(64),
});

type Options = z.output<typeof optionsSchema>;

const format = {
  method,
  formatVersion: 1,
  learned: z.strictObject({
    attributes: z.array(z.strictObject({ name: z.string(), is: z.enum(kinds) })),
  }),
};

/** The type of an attribute, from its values in a sample of `records` records. */
function kindOf(count: AttributeCount, records: number, mostCategories: number): AttributeKind {
  const { values } = count;
  if (count.records * 100 < records || values?.size === 1) return 'ignored';
  if (count.numbers === count.records) return 'number';
  const repeats = values !== null && values.size * 2 <= count.records;
  const isShort = count.words <= 3 * count.records;
  if (repeats && isShort && values.size <= mostCategories) return 'category';
  return count.words >= 2 * count.records ? 'words' : 'characters';
}

class KindLearner implements Learner<KindLearner> {
  readonly options: Options;
  readonly counts: AttributeCounts;

  constructor(options: Options, counts = new AttributeCounts()) {
    this.options = options;
    this.counts = counts;
  }

  add(value: Value): void {
    checkType(method, takes, value);
    if (value.type !== 'record') return;
    const { only } = this.options;
    const { image, attributes } = value.record;
    const chosen = only
      ? Object.fromEntries(Object.entries(attributes).filter(([name]) => only.includes(name)))
      : attributes;
    this.counts.add({ image, attributes: chosen });
  }

  merge(other: KindLearner): void {
    this.counts.merge(other.counts);
  }

  save() {
    return { counts: this.counts.save() };
  }

  finish(records: number) {
    const { attributes: stated, mostCategories, image } = this.options;
    const attributes = this.counts.entries().map(([name, count]) => {
      const own = Object.hasOwn(stated, name) ? stated[name] : undefined;
      return { name, is: own ?? kindOf(count, records, mostCategories) };
    });
    if (image === false && attributes.every(({ is }) => is === 'ignored')) {
      throw insufficient(method, 'ignores the image and finds no attribute that distinguishes records');
    }
    return { attributes };
  }
}

type Branched = readonly [name: string, links: RawStep[], weight: Weight];

const balanced = 'balanced' as const;

/** Dots separate places, and a branch may have any name. */
function branchOf(attribute: string): string {
  return `attribute-${encodeURIComponent(attribute).replaceAll('.', '%2E')}`;
}

function branchesOf(name: string, is: AttributeKind): Branched[] {
  const branch = branchOf(name);
  const pick = (as: string, more = {}) => ({ method: 'field', name, as, ...more });
  if (is === 'number') {
    const impute = { method: 'missing-imputed', indicate: true };
    return [[branch, [pick('number'), 'numeric-vector', impute, 'standardized-vector'], balanced]];
  }
  if (is === 'category') return [[branch, [pick('category'), 'indicator-vector'], 1]];
  if (is === 'ignored') return [];
  const segments = is === 'words' ? 'segmented-words' : 'segmented-characters';
  return [[branch, [pick('text', { default: '' }), segments, 'tfidf'], 1]];
}

export const automatic: ExpandingMethod = {
  method,
  takes,
  gives: 'vector',
  ...fittingsOf({
    method,
    formatVersion: format.formatVersion,
    takes,
    options: optionsSchema,
    start: (options) => new KindLearner(options),
    restore: (options) =>
      z
        .strictObject({ counts: AttributeCounts.saved })
        .transform(({ counts }) => new KindLearner(options, counts)),
  }),
  expand(given, artefact) {
    const options = readOptions(optionsSchema, given);
    const { attributes } = openArtefact(format, options, artefact);
    const image: Branched[] =
      options.image === false ? [] : [['image', [options.image, 'standardized-vector'], balanced]];
    const all = [...image, ...attributes.flatMap(({ name, is }) => branchesOf(name, is))];
    return [
      {
        branches: Object.fromEntries(all.map(([name, links]) => [name, links])),
        weights: Object.fromEntries(all.map(([name, , weight]) => [name, weight])),
      },
    ];
  },
  open() {
    throw new Error('a method that expands to other steps cannot be opened');
  },
};
