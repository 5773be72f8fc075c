/** Identity: a step that changes nothing, for places where a chain requires a step. */
import { readOptions, type StageMethod, valueTypes } from '@headwater/extractors';
import { z } from 'zod';
import { makeStage } from '../../learning/make-stage.ts';

const method = 'identity';

const optionsSchema = z.strictObject({
  /** The type that passes through. */
  of: z.enum(valueTypes).default('vector'),
});

/** Gives what it takes; for a vector, with the same dimensions. */
export const identity: StageMethod = {
  method,
  takes: valueTypes,
  gives: 'vector',
  open(given) {
    const options = readOptions(optionsSchema, given);
    const types = { takes: [options.of], gives: options.of };
    return makeStage({ method, version: 1, ...types, dimensions: null, options, apply: (value) => value });
  },
  types(given) {
    const { of } = readOptions(optionsSchema, given);
    return { takes: [of], gives: of };
  },
};
