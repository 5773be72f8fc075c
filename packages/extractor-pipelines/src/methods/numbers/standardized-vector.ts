/**
 * Standardizes numbers of different scales: subtracts the mean of each column and divides by its deviation. Both are fitted,
 * exact and rounded once: no order of the records changes them.
 */
import { readOptions, type StageMethod } from '@headwater/extractors';
import { maximumDimensions } from '@headwater/schemas';
import { z } from 'zod';
import { openArtefact } from '../../learning/artefact.ts';
import { ColumnLearner, columnFittings, eachColumn, refuseEmpty } from '../../learning/column-learner.ts';
import { Columns } from '../../learning/columns.ts';
import { ExactSums } from '../../learning/exact-sums.ts';
import { makeStage } from '../../learning/make-stage.ts';
import { packedFloat64, packNumbers } from '../../learning/packed-numbers.ts';
import { vectorOf } from '../../learning/values.ts';

const method = 'standardized-vector';
const takes = ['vector'] as const;

const optionsSchema = z.strictObject({
  /** Subtracts the mean. */
  centre: z.boolean().default(true),
  /** Divides by the population deviation; a constant column is not divided. */
  scale: z.boolean().default(true),
});

const format = {
  method,
  formatVersion: 1,
  learned: z
    .strictObject({ means: packedFloat64, deviations: packedFloat64 })
    .refine(({ means, deviations }) => means.length === deviations.length),
};

function startLearner(): ColumnLearner<ExactSums> {
  const columns = new Columns(method, maximumDimensions, (count) => new ExactSums(count));
  return new ColumnLearner(columns, (state, records) => {
    const refuse = refuseEmpty(method, records);
    return {
      means: packNumbers(Float64Array.from(eachColumn(state, (column) => state.mean(column), refuse))),
      deviations: packNumbers(
        Float64Array.from(eachColumn(state, (column) => state.deviation(column), refuse)),
      ),
    };
  });
}

export const standardizedVector: StageMethod = {
  method,
  takes,
  gives: 'vector',
  ...columnFittings({
    method,
    formatVersion: format.formatVersion,
    takes,
    options: optionsSchema,
    start: startLearner,
    saved: ExactSums.saved,
  }),
  open(given, artefact) {
    const options = readOptions(optionsSchema, given);
    const { means, deviations } = openArtefact(format, options, artefact);
    const offsets = options.centre ? means : new Float64Array(means.length);
    const divisors = deviations.map((deviation) => (options.scale && deviation > 0 ? deviation : 1));
    return makeStage({
      method,
      version: 1,
      takes,
      gives: 'vector',
      dimensions: means.length,
      options,
      artefact: artefact?.digest,
      apply(value) {
        const vector = vectorOf(method, value, means.length) ?? new Float32Array();
        return {
          type: 'vector',
          vector: vector.map((entry, i) => (entry - (offsets[i] ?? 0)) / (divisors[i] ?? 1)),
        };
      },
    });
  },
};
