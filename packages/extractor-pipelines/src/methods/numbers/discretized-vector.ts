/**
 * Replaces numbers by bins of equal width, or of equally many values. Ranks are exact, and the edges of the bins are the same
 * for the same set of records (see quantiles.ts for the precision).
 */
import { readOptions, type StageMethod } from '@headwater/extractors';
import { z } from 'zod';
import { openArtefact } from '../../learning/artefact.ts';
import { ColumnLearner, columnFittings, eachColumn, refuseEmpty } from '../../learning/column-learner.ts';
import { Columns } from '../../learning/columns.ts';
import { makeStage } from '../../learning/make-stage.ts';
import { ColumnQuantiles } from '../../learning/quantiles.ts';
import { unfit, vectorOf } from '../../learning/values.ts';

const method = 'discretized-vector';
const takes = ['vector'] as const;
/** Counts of values take at most 26 KiB per column. */
const mostColumns = 4096;

const optionsSchema = z.strictObject({
  bins: z.int().min(2).max(256).default(5),
  /** `quantile`: equally many values in each; `uniform`: equally wide, from the smallest value to the largest. */
  edges: z.enum(['quantile', 'uniform']).default('quantile'),
  /** `index`: a number from 0 for each column; `indicator`: a 1 among zeros for each column. */
  as: z.enum(['index', 'indicator']).default('index'),
});

type Options = z.output<typeof optionsSchema>;

const ascending = z
  .array(z.number())
  .refine((edges) => edges.every((edge, i) => i === 0 || edge > (edges[i - 1] ?? 0)));

const format = {
  method,
  formatVersion: 1,
  /** Between the bins of each column: one less than the number of bins. */
  learned: z.strictObject({ edges: z.array(ascending).min(1) }),
};

function startLearner(options: Options): ColumnLearner<ColumnQuantiles> {
  const columns = new Columns(method, mostColumns, (count) => new ColumnQuantiles(count));
  return new ColumnLearner(columns, (state, records) => {
    const edges = (column: number) => edgesOf(state, column, options);
    return { edges: eachColumn(state, edges, refuseEmpty(method, records)) };
  });
}

/** Ascending; duplicate edges are merged, and an edge without a value below it is dropped. */
function edgesOf(state: ColumnQuantiles, column: number, { bins, edges }: Options): number[] {
  const [smallest, largest] = state.range(column);
  const found: number[] = [];
  for (let part = 1; part < bins; part++) {
    const edge =
      edges === 'quantile'
        ? state.quantile(column, part, bins)
        : smallest + ((largest - smallest) * part) / bins;
    if (edge > (found.at(-1) ?? smallest)) found.push(edge);
  }
  return found;
}

/** The bin of a number: how many edges are at or below it. */
function binOf(edges: readonly number[], number: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] ?? 0) <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A missing number has no bin: its entries stay zero. */
function indicators(
  edges: readonly (readonly number[])[],
  vector: Float32Array,
  length: number,
): Float32Array {
  const places = new Float32Array(length);
  let from = 0;
  edges.forEach((own, column) => {
    const number = vector[column] ?? Number.NaN;
    if (!Number.isNaN(number)) places[from + binOf(own, number)] = 1;
    from += own.length + 1;
  });
  return places;
}

export const discretizedVector: StageMethod = {
  method,
  takes,
  gives: 'vector',
  ...columnFittings({
    method,
    formatVersion: format.formatVersion,
    takes,
    options: optionsSchema,
    start: startLearner,
    saved: ColumnQuantiles.saved,
  }),
  open(given, artefact) {
    const options = readOptions(optionsSchema, given);
    const { edges } = openArtefact(format, options, artefact);
    const places = edges.reduce((sum, own) => sum + own.length + 1, 0);
    return makeStage({
      method,
      version: 1,
      takes,
      gives: 'vector',
      dimensions: options.as === 'index' ? edges.length : places,
      options,
      artefact: artefact?.digest,
      apply(value) {
        const vector = vectorOf(method, value, edges.length);
        if (vector === null) throw unfit(method, 'takes a vector');
        if (options.as === 'indicator') return { type: 'vector', vector: indicators(edges, vector, places) };
        const bins = vector.map((number, i) =>
          Number.isNaN(number) ? number : binOf(edges[i] ?? [], number),
        );
        return { type: 'vector', vector: bins };
      },
    });
  },
};
