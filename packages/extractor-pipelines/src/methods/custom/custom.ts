/**
 * Custom: a user-supplied module, loaded by its path, as a step. It runs in separate threads with limits on time and memory;
 * its contract is checked at start and with every vector, and its faults are dead letters: the service continues.
 */
import { basename } from 'node:path';
import { HeadwaterError } from '@headwater/errors';
import {
  canonicalJson,
  type ExtractorOptions,
  readOptions,
  type Stage,
  type StageMethod,
  sha256,
  type Value,
  valueTypes,
} from '@headwater/extractors';
import { type CustomOptions, optionsSchema } from './custom-options.ts';
import { ModulePool } from './module-pool.ts';
import { readModule } from './user-module.ts';

const method = 'custom';
const version = 1;

function checkVector(vector: Float32Array, { dimensions }: CustomOptions): Value {
  if (vector.length !== dimensions) {
    const message = `the module returned ${vector.length} numbers, not ${dimensions}`;
    throw new HeadwaterError('extractor-failed', message, { context: { dimensions } });
  }
  if (vector.every(Number.isFinite)) return { type: 'vector', vector };
  throw new HeadwaterError('extractor-failed', 'the module returned NaN or infinity');
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
