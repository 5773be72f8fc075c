/** Selects one attribute of a record, as a text, a number or a category, for the rest of a chain. */
import { HeadwaterError } from '@headwater/errors';
import { readOptions, type StageMethod, type Value } from '@headwater/extractors';
import { z } from 'zod';
import { makeStage } from '../../learning/make-stage.ts';
import { type AttributeType, conformAttribute } from './attributes.ts';

const method = 'field';

const optionsSchema = z.strictObject({
  name: z.string().min(1).max(256),
  as: z.enum(['text', 'number', 'category']),
  /** Replaces a missing value. Without it a missing value is passed on. */
  default: z.union([z.string(), z.number().transform(String)]).optional(),
});

type FieldOptions = z.output<typeof optionsSchema>;

function valueOfType(text: string, as: AttributeType): Value {
  if (as === 'number') return { type: 'number', number: Number(text) };
  return as === 'text' ? { type: 'text', text } : { type: 'category', category: text };
}

/** Errors: record-unfit. */
function pick(value: Value, { name, as, default: otherwise }: FieldOptions): Value {
  if (value.type !== 'record') throw new HeadwaterError('record-unfit', 'field takes a record');
  const { attributes } = value.record;
  const given = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  const text = conformAttribute(name, given, as) ?? otherwise;
  return text === undefined ? { type: 'missing' } : valueOfType(text, as);
}

/** Takes records; gives the type of `as`, or a missing value. */
export const field: StageMethod = {
  method,
  takes: ['record'],
  gives: 'text',
  open(given) {
    const options = readOptions(optionsSchema, given);
    const { name, as, default: otherwise } = options;
    conformAttribute(name, otherwise, as);
    const apply = (value: Value) => pick(value, options);
    return makeStage({ method, version: 1, takes: ['record'], gives: as, dimensions: null, options, apply });
  },
  types: (given) => ({ takes: ['record'], gives: readOptions(optionsSchema, given).as }),
};
