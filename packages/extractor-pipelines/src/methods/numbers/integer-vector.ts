/**
 * Turns categories, or the words of a text, into integers: codes from 0, in the order of the UTF-8 bytes of the known
 * categories.
 */
import { readOptions, type StageMethod, type Value } from '@headwater/extractors';
import { z } from 'zod';
import { openArtefact } from '../../learning/artefact.ts';
import { makeStage } from '../../learning/make-stage.ts';
import { unfit } from '../../learning/values.ts';
import { categoriesFormat, categoryFittings, categoryOptions, takesCategories } from './categories.ts';

const method = 'integer-vector';

/** Code of an unknown category. */
const unknownCode = -1;
/** Fills the vector after the last word of a short text. */
const paddingCode = -2;

const optionsSchema = z.strictObject({
  ...categoryOptions,
  /** Number of words that are coded; required for words, and only for them. */
  length: z.int().min(1).max(16_384).optional(),
  /** Result for an unknown category: the code −1, or an error (record-unfit). */
  unknown: z.enum(['code', 'refuse']).default('code'),
});

const format = categoriesFormat(method);

export const integerVector: StageMethod = {
  method,
  takes: takesCategories,
  gives: 'vector',
  ...categoryFittings(method, optionsSchema),
  open(given, artefact) {
    const options = readOptions(optionsSchema, given);
    const { categories } = openArtefact(format, options, artefact);
    const codes = new Map(categories.map((category, code) => [category, code]));
    const { length, unknown } = options;
    const codeOf = (category: string): number => {
      const code = codes.get(category);
      if (code === undefined && unknown === 'refuse') throw unfit(method, 'was given an unknown category');
      return code ?? unknownCode;
    };
    return makeStage({
      method,
      version: 1,
      takes: length === undefined ? ['category', 'text', 'missing'] : ['tokens', 'missing'],
      gives: 'vector',
      dimensions: length ?? 1,
      options,
      artefact: artefact?.digest,
      apply: (value) => ({ type: 'vector', vector: encode(value, length ?? 1, codeOf) }),
    });
  },
};

function encode(value: Value, length: number, codeOf: (category: string) => number): Float32Array {
  if (value.type === 'missing') return new Float32Array(length).fill(Number.NaN);
  if (value.type === 'category') return Float32Array.of(codeOf(value.category));
  if (value.type === 'text') return Float32Array.of(codeOf(value.text));
  const vector = new Float32Array(length).fill(paddingCode);
  if (value.type === 'tokens') vector.set(value.tokens.slice(0, length).map(codeOf));
  return vector;
}
