/**
 * Turns a category into a vector with a 1 at its place and zeros elsewhere, and the words of a text into one with a 1 for each
 * different word.
 */
import { readOptions, type StageMethod } from '@headwater/extractors';
import { z } from 'zod';
import { openArtefact } from '../../learning/artefact.ts';
import { makeStage } from '../../learning/make-stage.ts';
import {
  categoriesFormat,
  categoriesOf,
  categoryFittings,
  categoryOptions,
  takesCategories,
} from './categories.ts';

const method = 'indicator-vector';
const optionsSchema = z.strictObject(categoryOptions);
const format = categoriesFormat(method);

export const indicatorVector: StageMethod = {
  method,
  takes: takesCategories,
  gives: 'vector',
  ...categoryFittings(method, optionsSchema),
  open(given, artefact) {
    const options = readOptions(optionsSchema, given);
    const { categories } = openArtefact(format, options, artefact);
    const places = new Map(categories.map((category, place) => [category, place]));
    return makeStage({
      method,
      version: 1,
      takes: takesCategories,
      gives: 'vector',
      dimensions: categories.length,
      options,
      artefact: artefact?.digest,
      apply(value) {
        const vector = new Float32Array(categories.length);
        for (const category of categoriesOf(value)) {
          const place = places.get(category);
          if (place !== undefined) vector[place] = 1;
        }
        return { type: 'vector', vector };
      },
    });
  },
};
