/**
 * ConformedData: makes values uniform. Pictures get one size, colour space and channel count; records get the same attributes,
 * each of one type and in one notation.
 */
import { HeadwaterError } from '@headwater/errors';
import {
  type ExtractorOptions,
  imageOptions,
  imageStage,
  openConforming,
  readOptions,
  type Stage,
  type StageMethod,
  type Value,
} from '@headwater/extractors';
import { z } from 'zod';
import { makeStage } from '../../learning/make-stage.ts';
import { conformAttribute } from '../records/attributes.ts';

const method = 'conformed-data';

const recordOptions = z.strictObject({
  /** The attributes to keep; others are removed. */
  attributes: z
    .record(
      z.string().min(1).max(256),
      z.strictObject({
        as: z.enum(['text', 'number', 'category']),
        /** Replaces a missing value. */
        default: z.union([z.string(), z.number().transform(String)]).optional(),
      }),
    )
    .refine((attributes) => Object.keys(attributes).length > 0, 'must name at least one attribute'),
});

type RecordOptions = z.output<typeof recordOptions>;

function isOfRecords(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'attributes' in options;
}

function openPictures(given: unknown, settings?: ExtractorOptions): Stage {
  const options = readOptions(imageOptions, given);
  const conform = openConforming(options, settings?.limits);
  const { size, colour } = options;
  return imageStage({ method, gives: 'pixels', dimensions: null, options }, async (value, signal) => {
    const data = await conform(value, signal);
    return { type: 'pixels', data, height: size, width: size, channels: colour === 'rgb' ? 3 : 1 };
  });
}

/** Errors: record-unfit. */
function conformRecord(value: Value, { attributes }: RecordOptions): Value {
  if (value.type !== 'record') throw new HeadwaterError('record-unfit', `${method} takes a record`);
  const given = new Map(Object.entries(value.record.attributes));
  const conformed = Object.entries(attributes).flatMap(([name, { as, default: otherwise }]) => {
    const text = conformAttribute(name, given.get(name), as) ?? otherwise;
    return text === undefined ? [] : [[name, text] as const];
  });
  return { type: 'record', record: { ...value.record, attributes: Object.fromEntries(conformed) } };
}

function openRecords(given: unknown): Stage {
  const options = readOptions(recordOptions, given);
  for (const [name, { as, default: otherwise }] of Object.entries(options.attributes)) {
    conformAttribute(name, otherwise, as);
  }
  const types = { takes: ['record'], gives: 'record' } as const;
  const apply = (value: Value) => conformRecord(value, options);
  return makeStage({ method, version: 1, ...types, dimensions: null, options, apply });
}

/** Takes records and pictures. With `size` it gives a picture, with `attributes` a record. */
export const conformedData: StageMethod = {
  method,
  takes: ['record', 'pixels'],
  gives: 'pixels',
  open: (options, _, settings) =>
    isOfRecords(options) ? openRecords(options) : openPictures(options, settings),
  types: (options) =>
    isOfRecords(options)
      ? { takes: ['record'], gives: 'record' }
      : { takes: ['record', 'pixels'], gives: 'pixels' },
};
