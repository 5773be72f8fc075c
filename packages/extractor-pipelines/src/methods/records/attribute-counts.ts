/**
 * Statistics of attributes in a sample: how many records have each, how many of these are numbers, and how many words and
 * different values they hold. All are counts, so order and grouping of the records have no effect.
 */
import { HeadwaterError } from '@headwater/errors';
import type { SourceRecord } from '@headwater/extractors';
import { compareUtf8 } from '@headwater/heads/algebra';
import { z } from 'zod';
import { numberOf } from './attributes.ts';

/** Maximum number of different attribute names in a sample. */
const mostNames = 256;
/** Maximum number of different values of one attribute that are counted, and of UTF-16 code units of one. */
const mostValues = 1_000;
const longestValue = 128;

/** Counts of one attribute, over records where it is neither missing nor blank. */
export interface AttributeCount {
  readonly records: number;
  readonly numbers: number;
  readonly words: number;
  /** Different values; null for more than a thousand, or long ones. */
  readonly values: ReadonlySet<string> | null;
}

const savedCount = z
  .strictObject({
    records: z.int().min(0),
    numbers: z.int().min(0),
    words: z.int().min(0),
    values: z.array(z.string()).max(mostValues).nullable(),
  })
  .transform(({ values, ...counts }): AttributeCount => ({ ...counts, values: values && new Set(values) }));

export class AttributeCounts {
  static readonly saved = z.record(z.string(), savedCount).transform((fields) => {
    const counts = new AttributeCounts();
    for (const [name, count] of Object.entries(fields)) counts.#add(name, count);
    return counts;
  });

  readonly #counts = new Map<string, AttributeCount>();

  /** Errors: limit-exceeded (too many different names). */
  add({ attributes }: SourceRecord): void {
    for (const [name, text] of Object.entries(attributes)) {
      const value = text.normalize('NFC').trim();
      if (value !== '') this.#add(name, countOf(value));
    }
  }

  merge(other: AttributeCounts): void {
    for (const [name, count] of other.#counts) this.#add(name, count);
  }

  /** In the order of the names' UTF-8 bytes. */
  entries(): (readonly [string, AttributeCount])[] {
    return [...this.#counts].sort(([one], [other]) => compareUtf8(one, other));
  }

  save(): Record<string, unknown> {
    return Object.fromEntries(
      this.entries().map(([name, { values, ...counts }]) => [
        name,
        { ...counts, values: values && [...values].sort(compareUtf8) },
      ]),
    );
  }

  #add(name: string, count: AttributeCount): void {
    const known = this.#counts.get(name);
    if (known === undefined && this.#counts.size === mostNames) {
      const message = `the sample has more than ${mostNames} different attributes; select some with \`only\``;
      throw new HeadwaterError('limit-exceeded', message, { verdict: 'stop' });
    }
    this.#counts.set(name, known ? sumOf(known, count) : count);
  }
}

function countOf(value: string): AttributeCount {
  return {
    records: 1,
    numbers: numberOf(value) === undefined ? 0 : 1,
    words: value.split(/\s+/).length,
    values: value.length > longestValue ? null : new Set([value]),
  };
}

function sumOf(one: AttributeCount, other: AttributeCount): AttributeCount {
  return {
    records: one.records + other.records,
    numbers: one.numbers + other.numbers,
    words: one.words + other.words,
    values: unionOf(one.values, other.values),
  };
}

/** Null above the limit and from then on, so the union is the same in every order. The first set is kept and grows. */
function unionOf(one: AttributeCount['values'], other: AttributeCount['values']): ReadonlySet<string> | null {
  if (one === null || other === null) return null;
  if ([...other].every((value) => one.has(value))) return one;
  const union = new Set([...one, ...other]);
  return union.size > mostValues ? null : union;
}
