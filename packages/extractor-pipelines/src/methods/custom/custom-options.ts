/** Options of a custom method. */
import { valueTypes } from '@headwater/extractors';
import { maximumDimensions } from '@headwater/schemas';
import { z } from 'zod';

export const optionsSchema = z.strictObject({
  /** A JavaScript module (.mjs, .js, .cjs); relative to the chain's file. */
  module: z.string().min(1),
  /** Dimensions of its vectors. */
  dimensions: z.int().min(1).max(maximumDimensions),
  takes: z.enum(valueTypes).default('record'),
  /** Passed to the module unchanged. */
  options: z.record(z.string(), z.json()).default({}),
  /** Other files that the module loads and that the digest covers. */
  covers: z.array(z.string().min(1)).max(100).default([]),
  /** Timeout for one value, in seconds. */
  timeout: z.number().gt(0).max(600).default(10),
  /** MiB of JavaScript heap in each thread. */
  memory: z.int().min(16).max(65_536).default(256),
  threads: z.int().min(1).max(16).default(1),
  /** A value for the trial at start: attributes of a record, a text, a number; for vectors, their number of dimensions. */
  trial: z.json().optional(),
});

export type CustomOptions = z.output<typeof optionsSchema>;
