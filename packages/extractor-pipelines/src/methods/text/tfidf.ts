/**
 * Term frequency–inverse document frequency: occurrences of each term of a vocabulary in a text, weighted by idf = ln((1 + n) /
 * (1 + n_t)) + 1 and scaled to unit length, as scikit-learn's TfidfVectorizer does by default. The fitted counts of records are
 * exact in any order.
 */
import { readOptions, type StageMethod, type Value } from '@headwater/extractors';
import { fixedLog } from '@headwater/heads/algebra';
import { z } from 'zod';
import { openArtefact } from '../../learning/artefact.ts';
import { fittingsOf } from '../../learning/fitting.ts';
import { makeStage } from '../../learning/make-stage.ts';
import { countTerms } from './terms.ts';
import { optionsSchema, type TfidfOptions } from './tfidf-options.ts';
import { HashedLearner, placeOf, VocabularyLearner } from './vocabularies.ts';

const method = 'tfidf';
const takes = ['tokens', 'missing'] as const;

const count = z.int().nonnegative();
const format = {
  method,
  formatVersion: 1,
  learned: z
    .strictObject({ terms: z.array(z.string()).min(1).optional(), records: z.array(count).min(1) })
    .refine(({ terms, records }) => (terms?.length ?? records.length) === records.length)
    .refine(({ terms = [] }) => new Set(terms).size === terms.length),
};

const definition = { method, formatVersion: format.formatVersion, takes, options: optionsSchema };
const vocabularyFittings = fittingsOf({
  ...definition,
  start: (options) => new VocabularyLearner(method, options),
  restore: (options) => VocabularyLearner.saved(method, options),
});
const hashedFittings = fittingsOf({
  ...definition,
  start: (options) => new HashedLearner(options),
  restore: (options) => HashedLearner.saved(options),
});

function fittingsFor(options: unknown) {
  return readOptions(optionsSchema, options).hashed === undefined ? vocabularyFittings : hashedFittings;
}

export const tfidf: StageMethod = {
  method,
  takes,
  gives: 'vector',
  fit: (options) => fittingsFor(options).fit(options),
  resume: (state) => fittingsFor(state.options).resume(state),
  open(given, artefact) {
    const options = readOptions(optionsSchema, given);
    const { terms, records } = openArtefact(format, options, artefact);
    const texts = artefact?.records ?? 0;
    const weights = Float64Array.from(records, (held) => fixedLog((1 + texts) / (1 + held)) + 1);
    const places = new Map(terms?.map((term, place) => [term, place]));
    const { hashed } = options;
    const find = (term: string) => (hashed === undefined ? places.get(term) : placeOf(term, hashed));
    return makeStage({
      method,
      version: 1,
      takes,
      gives: 'vector',
      dimensions: records.length,
      options,
      artefact: artefact?.digest,
      apply: (value) => ({ type: 'vector', vector: weigh(value, options, weights, find) }),
    });
  },
};

/** A text without known terms, and a missing one, give zeros. */
function weigh(
  value: Value,
  options: TfidfOptions,
  weights: Float64Array,
  find: (term: string) => number | undefined,
): Float32Array {
  const counts = new Float64Array(weights.length);
  const tokens = value.type === 'tokens' ? value.tokens : [];
  for (const [term, times] of countTerms(tokens, options.grams, options.joint)) {
    const place = find(term);
    if (place !== undefined) counts[place] = (counts[place] ?? 0) + times;
  }
  const weighed = counts.map((times, place) => {
    if (times === 0) return 0;
    return (options.sublinear ? 1 + fixedLog(times) : times) * (weights[place] ?? 0);
  });
  const length = options.normalize === 'unit' ? lengthOf(weighed) : 1;
  return Float32Array.from(weighed, (weight) => weight / (length || 1));
}

function lengthOf(vector: Float64Array): number {
  return Math.sqrt(vector.reduce((sum, entry) => sum + entry * entry, 0));
}
