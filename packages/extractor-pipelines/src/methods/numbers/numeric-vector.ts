/** Turns numbers, or texts that contain a number, into a vector: one entry, or one for each named attribute of a record. */
import { readOptions, type StageMethod, type Value } from '@headwater/extractors';
import { z } from 'zod';
import { makeStage } from '../../learning/make-stage.ts';
import { textOf, unfit } from '../../learning/values.ts';
import { numberOf } from '../records/attributes.ts';

const method = 'numeric-vector';

const optionsSchema = z.strictObject({
  /** Attributes of the record, one entry each in this order. Without them the step takes one number. */
  attributes: z.array(z.string().min(1).max(200)).min(1).max(1024).optional(),
  /** Texts for a missing number, compared without surrounding blanks. */
  missing: z.array(z.string().max(64)).max(64).default(['', 'NA', 'N/A', 'NaN', 'null']),
});

export const numericVector: StageMethod = {
  method,
  takes: ['number', 'text', 'category', 'missing', 'record'],
  gives: 'vector',
  open(given) {
    const options = readOptions(optionsSchema, given);
    const missing = new Set(options.missing);
    const { attributes } = options;
    return makeStage({
      method,
      version: 1,
      takes: attributes === undefined ? ['number', 'text', 'category', 'missing'] : ['record'],
      gives: 'vector',
      dimensions: attributes?.length ?? 1,
      options,
      apply(value) {
        const numbers = (attributes ?? [undefined]).map((name) => entryOf(value, name, missing));
        return { type: 'vector', vector: Float32Array.from(numbers) };
      },
    });
  },
};

/** Errors: record-unfit. */
function entryOf(value: Value, attribute: string | undefined, missing: ReadonlySet<string>): number {
  if (value.type === 'number') return checkRange(value.number, attribute);
  const text = attribute === undefined ? textOf(value) : attributeOf(value, attribute);
  if (text === null || missing.has(text.trim())) return Number.NaN;
  const number = numberOf(text);
  if (number !== undefined) return checkRange(number, attribute);
  throw unfit(method, `finds no number${named(attribute)}; it takes decimals such as -1.5 or 2e3`);
}

function attributeOf(value: Value, name: string): string | null {
  if (value.type !== 'record' || !Object.hasOwn(value.record.attributes, name)) return null;
  return value.record.attributes[name] ?? null;
}

/** NaN is a missing number; a number beyond the range of float32 is rejected. */
function checkRange(number: number, attribute: string | undefined): number {
  if (Math.abs(Math.fround(number)) !== Number.POSITIVE_INFINITY) return number;
  throw unfit(method, `finds a number${named(attribute)} beyond 3.4e38`);
}

function named(attribute: string | undefined): string {
  return attribute === undefined ? '' : ` in the attribute ${attribute}`;
}
