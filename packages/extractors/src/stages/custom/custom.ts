/**
 * Custom: a module of the user's own, loaded by its path, as a link. It runs in threads of its own with limits on time and memory, is held to
 * its contract at start and with every vector, and its faults are dead letters: the service stays up.
 */
import { basename } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import { maximumDimensions } from '@headwater/schemas';
import { z } from 'zod';
import type { ExtractorOptions } from '../../api.ts';
import type { Stage, StageMethod, Value } from '../api.ts';
import { valueTypes } from '../api.ts';
import { canonicalJson, sha256 } from '../digest.ts';
import { readOptions } from '../options.ts';
import { ModulePool } from './module-pool.ts';
import { readModule } from './own-module.ts';

const method = 'custom';
const version = 1;

const optionsSchema = z.strictObject({
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

type Options = z.output<typeof optionsSchema>;

function checkVector(vector: Float32Array, { dimensions }: Options): Value {
  if (vector.length !== dimensions) {
    const message = `The module answered ${vector.length} numbers, not ${dimensions}.`;
    throw new HeadwaterError('extractor-failed', message, { context: { dimensions } });
  }
  if (vector.every(Number.isFinite)) return { type: 'vector', vector };
  throw new HeadwaterError('extractor-failed', 'The module answered NaN or infinity.');
}

async function open(given: unknown, settings?: ExtractorOptions): Promise<Stage> {
  const options = readOptions(optionsSchema, given);
  const { takes, dimensions, threads } = options;
  const own = await readModule(options.module, options.covers);
  const pool = await ModulePool.open(own, options, settings);
  const parts = { method, version, takes, dimensions, options: options.options, contents: own.contents };
  const engine = `module ${basename(own.path)}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  const notes = own.uncovered.map(
    (name) => `${basename(own.path)} loads ${name}, which the digest does not cover (option covers)`,
  );
  const stage: Stage & { readonly engine: string; readonly notes: readonly string[] } = {
    method,
    takes: [takes],
    gives: 'vector',
    dimensions,
    digest: sha256(`headwater-link-1\n${canonicalJson(parts)}`),
    engine,
    notes,
    apply: async (value, signal) => checkVector(await pool.run(value, signal), options),
    close: () => pool.close(),
  };
  return stage;
}

export const custom: StageMethod = {
  method,
  takes: valueTypes,
  gives: 'vector',
  types: (given) => ({ takes: [readOptions(optionsSchema, given).takes], gives: 'vector' }),
  open: (given, _, settings) => open(given, settings),
};

export type { Options as CustomOptions };
