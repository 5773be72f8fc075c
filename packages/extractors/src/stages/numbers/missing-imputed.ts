/** What leaves a chain must be finite: a missing number becomes the mean or the median of those that were there, or a number given. */
import { maximumDimensions } from '@headwater/schemas';
import { z } from 'zod';
import type { StageMethod, Value } from '../api.ts';
import { openArtefact } from '../fitted/artefact.ts';
import { type ColumnState, Columns } from '../fitted/columns.ts';
import { ExactSums } from '../fitted/exact-sums.ts';
import { fittingsOf, insufficient, type Learner } from '../fitted/fitting.ts';
import { makeLink } from '../fitted/link.ts';
import { packedFloat64, packNumbers } from '../fitted/packed-numbers.ts';
import { ColumnQuantiles } from '../fitted/quantiles.ts';
import { vectorOf } from '../fitted/values.ts';
import { readOptions } from '../options.ts';

const method = 'missing-imputed';
const takes = ['vector', 'missing'] as const;
/** Counts of values take 26 KiB a column at most. */
const mostForMedian = 4096;

const optionsSchema = z.strictObject({
  with: z.enum(['mean', 'median']).default('mean'),
  /** Where the sample has no number at a place; without it such a sample is refused. */
  otherwise: z.number().min(-3.4e38).max(3.4e38).optional(),
  /** Adds to the vector, for each place, 1 where the number was missing and 0 where it was there. */
  indicate: z.boolean().default(false),
});

type Options = z.output<typeof optionsSchema>;

const format = {
  method,
  formatVersion: 1,
  learned: z.strictObject({ fills: packedFloat64 }),
};

class ImputedLearner<S extends ColumnState<S> & { count(column: number): number }>
  implements Learner<ImputedLearner<S>>
{
  readonly #otherwise: number | undefined;
  readonly #centre: (state: S, column: number) => number;
  readonly columns: Columns<S>;

  constructor(options: Options, columns: Columns<S>, centre: (state: S, column: number) => number) {
    this.#otherwise = options.otherwise;
    this.#centre = centre;
    this.columns = columns;
  }

  add(value: Value): void {
    this.columns.add(value);
  }

  merge(other: ImputedLearner<S>): void {
    this.columns.merge(other.columns);
  }

  save() {
    return { columns: this.columns.save() };
  }

  finish(records: number) {
    const { state } = this.columns;
    const fills = Float64Array.from({ length: state.columns }, (_, column) => {
      if (state.count(column) > 0) return this.#centre(state, column);
      if (this.#otherwise !== undefined) return this.#otherwise;
      const text = `finds no number at place ${column} in any of ${records} records`;
      throw insufficient(method, `${text}: take it out, or say with \`otherwise\` what stands for it`);
    });
    return { fills: packNumbers(fills) };
  }
}

function startMean(options: Options): ImputedLearner<ExactSums> {
  const columns = new Columns(method, maximumDimensions, (count) => new ExactSums(count));
  return new ImputedLearner(options, columns, (state, column) => state.mean(column));
}

function startMedian(options: Options): ImputedLearner<ColumnQuantiles> {
  const columns = new Columns(method, mostForMedian, (count) => new ColumnQuantiles(count));
  return new ImputedLearner(options, columns, (state, column) => state.quantile(column, 1, 2));
}

const common = { method, formatVersion: format.formatVersion, takes, options: optionsSchema };

const fittings = {
  mean: fittingsOf({
    ...common,
    start: startMean,
    restore: (options) =>
      z.strictObject({ columns: ExactSums.saved.nullable() }).transform(({ columns }) => {
        const learner = startMean(options);
        learner.columns.restore(columns);
        return learner;
      }),
  }),
  median: fittingsOf({
    ...common,
    start: startMedian,
    restore: (options) =>
      z.strictObject({ columns: ColumnQuantiles.saved.nullable() }).transform(({ columns }) => {
        const learner = startMedian(options);
        learner.columns.restore(columns);
        return learner;
      }),
  }),
};

export const missingImputed: StageMethod = {
  method,
  takes,
  gives: 'vector',
  fit: (options) => fittings[readOptions(optionsSchema, options).with].fit(options),
  resume: (state) => fittings[readOptions(optionsSchema, state.options).with].resume(state),
  open(given, artefact) {
    const options = readOptions(optionsSchema, given);
    const { fills } = openArtefact(format, options, artefact);
    return makeLink({
      method,
      version: 1,
      takes,
      gives: 'vector',
      dimensions: fills.length * (options.indicate ? 2 : 1),
      options,
      artefact: artefact?.digest,
      apply(value) {
        const vector =
          vectorOf(method, value, fills.length) ?? new Float32Array(fills.length).fill(Number.NaN);
        const filled = vector.map((entry, i) => (Number.isNaN(entry) ? (fills[i] ?? 0) : entry));
        if (!options.indicate) return { type: 'vector', vector: filled };
        return { type: 'vector', vector: Float32Array.of(...filled, ...vector.map(isMissing)) };
      },
    });
  },
};

function isMissing(entry: number): number {
  return Number.isNaN(entry) ? 1 : 0;
}
