/** Options of a custom method. */
import { valueTypes } from '@headwater/extractors';
import { maximumDimensions } from '@headwater/schemas';
import { z } from 'zod';

export const optionsSchema = z.strictObject({
  /** A JavaScript module (.mjs, .js, .cjs); relative to the chain's file. */
  module: z.string().min(1),
  /** Numbers that it answers. */
  dimensions: z.int().min(1).max(maximumDimensions),
  takes: z.enum(valueTypes).default('record'),
  /** Handed to the module as they are. */
  options: z.record(z.string(), z.json()).default({}),
  /** Other files that the module loads, and that the digest shall cover. */
  covers: z.array(z.string().min(1)).max(100).default([]),
  /** Seconds that one value may take. */
  timeout: z.number().gt(0).max(600).default(10),
  /** MiB of JavaScript heap in each thread. */
  memory: z.int().min(16).max(65_536).default(256),
  threads: z.int().min(1).max(16).default(1),
  /** A value for the trial at start: attributes of a record, a text, a number; of vectors how many numbers they have. */
  trial: z.json().optional(),
});

export type CustomOptions = z.output<typeof optionsSchema>;
