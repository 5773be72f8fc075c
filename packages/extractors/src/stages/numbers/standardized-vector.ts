/**
 * Numbers of different scales count alike once the mean is taken off each and it is divided by its deviation. Both are learned, and are
 * those of real numbers, rounded once: no order of the records changes them.
 */
import { maximumDimensions } from '@headwater/schemas';
import { z } from 'zod';
import type { StageMethod, Value } from '../api.ts';
import { openArtefact } from '../fitted/artefact.ts';
import { Columns } from '../fitted/columns.ts';
import { ExactSums } from '../fitted/exact-sums.ts';
import { fittingsOf, insufficient, type Learner } from '../fitted/fitting.ts';
import { makeLink } from '../fitted/link.ts';
import { packedFloat64, packNumbers } from '../fitted/packed-numbers.ts';
import { vectorOf } from '../fitted/values.ts';
import { readOptions } from '../options.ts';

const method = 'standardized-vector';
const takes = ['vector'] as const;

const optionsSchema = z.strictObject({
  /** Take the mean off. */
  centre: z.boolean().default(true),
  /** Divide by the deviation (of the population); a column without any is left as it is. */
  scale: z.boolean().default(true),
});

const format = {
  method,
  formatVersion: 1,
  learned: z
    .strictObject({ means: packedFloat64, deviations: packedFloat64 })
    .refine(({ means, deviations }) => means.length === deviations.length),
};

class StandardizedLearner implements Learner<StandardizedLearner> {
  readonly sums = new Columns(method, maximumDimensions, (columns) => new ExactSums(columns));

  add(value: Value): void {
    this.sums.add(value);
  }

  merge(other: StandardizedLearner): void {
    this.sums.merge(other.sums);
  }

  save() {
    return { sums: this.sums.save() };
  }

  finish(records: number) {
    const { state } = this.sums;
    const columns = Array.from({ length: state.columns }, (_, column) => column);
    const empty = columns.find((column) => state.count(column) === 0);
    if (empty !== undefined) {
      throw insufficient(method, `finds no number at place ${empty} in any of ${records} records`);
    }
    return {
      means: packNumbers(Float64Array.from(columns, (column) => state.mean(column))),
      deviations: packNumbers(Float64Array.from(columns, (column) => state.deviation(column))),
    };
  }
}

export const standardizedVector: StageMethod = {
  method,
  takes,
  gives: 'vector',
  ...fittingsOf({
    method,
    formatVersion: format.formatVersion,
    takes,
    options: optionsSchema,
    start: () => new StandardizedLearner(),
    restore: () =>
      z.strictObject({ sums: ExactSums.saved.nullable() }).transform(({ sums }) => {
        const learner = new StandardizedLearner();
        learner.sums.restore(sums);
        return learner;
      }),
  }),
  open(given, artefact) {
    const options = readOptions(optionsSchema, given);
    const { means, deviations } = openArtefact(format, options, artefact);
    const offsets = options.centre ? means : new Float64Array(means.length);
    const divisors = deviations.map((deviation) => (options.scale && deviation > 0 ? deviation : 1));
    return makeLink({
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
