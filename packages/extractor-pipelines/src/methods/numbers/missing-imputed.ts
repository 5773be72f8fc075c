/**
 * Imputes missing numbers by the mean or the median of the others, or by a given number, since the result of a chain must be
 * finite.
 */
import { readOptions, type StageMethod } from '@headwater/extractors';
import { maximumDimensions } from '@headwater/schemas';
import { z } from 'zod';
import { openArtefact } from '../../learning/artefact.ts';
import { ColumnLearner, columnFittings, eachColumn, refuseEmpty } from '../../learning/column-learner.ts';
import { type ColumnState, Columns } from '../../learning/columns.ts';
import { ExactSums } from '../../learning/exact-sums.ts';
import { makeStage } from '../../learning/make-stage.ts';
import { packedFloat64, packNumbers } from '../../learning/packed-numbers.ts';
import { ColumnQuantiles } from '../../learning/quantiles.ts';
import { vectorOf } from '../../learning/values.ts';

const method = 'missing-imputed';
const takes = ['vector', 'missing'] as const;
/** Counts of values take at most 26 KiB per column. */
const mostForMedian = 4096;

const optionsSchema = z.strictObject({
  with: z.enum(['mean', 'median']).default('mean'),
  /** The number for a column without numbers in the sample; without it such a sample is rejected. */
  otherwise: z.number().min(-3.4e38).max(3.4e38).optional(),
  /** Appends to the vector, for each entry, 1 if the number was missing and 0 otherwise. */
  indicate: z.boolean().default(false),
});

type Options = z.output<typeof optionsSchema>;

const format = {
  method,
  formatVersion: 1,
  learned: z.strictObject({ fills: packedFloat64 }),
};

const remedy = '; remove the column, or set `otherwise` to its replacement';

/** `centre` computes the replacement of a missing number. */
function startLearner<S extends ColumnState<S> & { count(column: number): number }>(
  { otherwise }: Options,
  columns: Columns<S>,
  centre: (state: S, column: number) => number,
): ColumnLearner<S> {
  return new ColumnLearner(columns, (state, records) => {
    const instead = otherwise === undefined ? refuseEmpty(method, records, remedy) : () => otherwise;
    const fills = eachColumn(state, (column) => centre(state, column), instead);
    return { fills: packNumbers(Float64Array.from(fills)) };
  });
}

const common = { method, formatVersion: format.formatVersion, takes, options: optionsSchema };

const fittings = {
  mean: columnFittings({
    ...common,
    start: (options) => {
      const columns = new Columns(method, maximumDimensions, (count) => new ExactSums(count));
      return startLearner(options, columns, (state, column) => state.mean(column));
    },
    saved: ExactSums.saved,
  }),
  median: columnFittings({
    ...common,
    start: (options) => {
      const columns = new Columns(method, mostForMedian, (count) => new ColumnQuantiles(count));
      return startLearner(options, columns, (state, column) => state.quantile(column, 1, 2));
    },
    saved: ColumnQuantiles.saved,
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
    return makeStage({
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
