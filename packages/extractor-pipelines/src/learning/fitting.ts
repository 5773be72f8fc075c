/**
 * Common parts of all fittings: they count records, merge with the same method and options only, and seal the artefact. A
 * method provides a learner whose state consists of exact counts and sums, so that order and grouping have no effect.
 */
import { HeadwaterError } from '@headwater/errors';
import {
  canonicalJson,
  type FittedArtefact,
  type Fitting,
  type FittingState,
  readOptions,
  type Value,
  type ValueType,
} from '@headwater/extractors';
import { z } from 'zod';
import { sealArtefact } from './artefact.ts';
import { checkType } from './values.ts';

/** Maximum number of records of one fitting, for which every sum is exact (see exact-sums.ts, scaled-gram.ts). */
const maximumRecords = 2 ** 27;

/** An error in `add` leaves a learner unchanged. */
export interface Learner<Self> {
  /** Errors: record-unfit. */
  add(value: Value): void;
  /** The other learner is unchanged. Errors: statistics-mismatch. */
  merge(other: Self): void;
  /** Errors: sample-insufficient, limit-exceeded. */
  finish(records: number): Readonly<Record<string, unknown>>;
  /** Plain JSON, a function of the records alone. */
  save(): Readonly<Record<string, unknown>>;
}

interface FittingParts<L extends Learner<L>> {
  readonly method: string;
  readonly formatVersion: number;
  readonly takes: readonly ValueType[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly learner: L;
}

export interface LearnerDefinition<Options extends Readonly<Record<string, unknown>>, L extends Learner<L>> {
  readonly method: string;
  /** Format of artefacts and saved fittings. */
  readonly formatVersion: number;
  readonly takes: readonly ValueType[];
  readonly options: z.ZodType<Options>;
  readonly start: (options: Options) => L;
  /** Reads the JSON that `save` of a learner wrote. */
  readonly restore: (options: Options) => z.ZodType<L>;
}

/** `fit` and `resume` of a method that is fitted. */
export function fittingsOf<Options extends Readonly<Record<string, unknown>>, L extends Learner<L>>(
  definition: LearnerDefinition<Options, L>,
) {
  const { method, formatVersion, takes } = definition;
  return {
    fit(given: unknown): Fitting {
      const options = readOptions(definition.options, given);
      const learner = definition.start(options);
      return new LearnerFitting({ method, formatVersion, takes, options, learner });
    },
    resume(given: FittingState): Fitting {
      const { records, options: stated, state } = checkState(method, formatVersion, given);
      const options = readOptions(definition.options, stated);
      const learner = definition.restore(options).safeParse(state);
      if (!learner.success) throw invalidState(method, 'is damaged');
      return new LearnerFitting({ method, formatVersion, takes, options, learner: learner.data }, records);
    },
  };
}

const stateSchema = z.strictObject({
  method: z.string(),
  formatVersion: z.int(),
  records: z.int().nonnegative().max(maximumRecords),
  options: z.record(z.string(), z.unknown()),
  state: z.record(z.string(), z.unknown()),
});

function checkState(method: string, formatVersion: number, given: FittingState): FittingState {
  const state = stateSchema.safeParse(given);
  if (!state.success) throw invalidState(method, 'is damaged');
  if (state.data.method !== method) throw invalidState(method, `belongs to ${state.data.method}`);
  if (state.data.formatVersion !== formatVersion) {
    throw invalidState(method, `has format ${state.data.formatVersion}; this version reads ${formatVersion}`);
  }
  return state.data;
}

function invalidState(method: string, reason: string): HeadwaterError {
  return new HeadwaterError('config-invalid', `saved fitting of ${method} ${reason}; fit that part again`);
}

class LearnerFitting<L extends Learner<L>> implements Fitting {
  readonly parts: FittingParts<L>;
  #records: number;

  constructor(parts: FittingParts<L>, records = 0) {
    this.parts = parts;
    this.#records = records;
  }

  get method(): string {
    return this.parts.method;
  }

  get records(): number {
    return this.#records;
  }

  add(value: Value): void {
    checkType(this.method, this.parts.takes, value);
    this.#checkRoom(1);
    this.parts.learner.add(value);
    this.#records++;
  }

  merge(other: Fitting): void {
    if (!(other instanceof LearnerFitting) || other === this || !this.#isLike(other.parts)) {
      throw new HeadwaterError(
        'statistics-mismatch',
        `only a fitting of ${this.method} with the same options can be merged into this one`,
      );
    }
    this.#checkRoom(other.records);
    this.parts.learner.merge(other.parts.learner);
    this.#records += other.records;
  }

  finish(): FittedArtefact {
    const { method, formatVersion, options, learner } = this.parts;
    if (this.#records === 0) throw insufficient(method, 'was given no record');
    return sealArtefact({
      method,
      formatVersion,
      records: this.#records,
      options,
      learned: learner.finish(this.#records),
    });
  }

  save(): FittingState {
    const { method, formatVersion, options, learner } = this.parts;
    return { method, formatVersion, records: this.#records, options, state: learner.save() };
  }

  #isLike(parts: FittingParts<L>): boolean {
    return parts.method === this.method && canonicalJson(parts.options) === canonicalJson(this.parts.options);
  }

  #checkRoom(records: number): void {
    if (this.#records + records <= maximumRecords) return;
    throw new HeadwaterError('statistics-overflow', `a fitting is limited to ${maximumRecords} records`);
  }
}

export function insufficient(method: string, reason: string): HeadwaterError {
  return new HeadwaterError('sample-insufficient', `${method} ${reason}`, { context: { method } });
}
