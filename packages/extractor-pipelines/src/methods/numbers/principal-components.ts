/**
 * Principal components (Pearson, 1901): the directions of largest variance, computed from exact sums of integers
 * (scaled-gram.ts), so that they are a function of the set of vectors.
 */
import type { Value } from '@headwater/extractors';
import { powerOfTwo } from '@headwater/heads/algebra';
import { z } from 'zod';
import { Columns } from '../../learning/columns.ts';
import { eigenvectors } from '../../learning/eigenvectors.ts';
import { insufficient, type Learner } from '../../learning/fitting.ts';
import { packedFloat32, packedFloat64, packNumbers } from '../../learning/packed-numbers.ts';
import { type Moments, ScaledGram } from '../../learning/scaled-gram.ts';
import { completeVectorOf } from '../../learning/values.ts';

/** Maximum dimensions: 17 MB for each power of two that occurs, at most 14 of them. */
const mostColumns = 2048;

interface ComponentsWanted {
  readonly dimensions?: number | undefined;
  readonly share?: number | undefined;
}

export const learnedComponents = z
  .strictObject({
    mean: packedFloat64,
    /** One after the other, each as long as the mean. */
    components: packedFloat32,
    /** Along each component, with n − 1 in the divisor. */
    variances: z.array(z.number().positive()).min(1),
    /** Share of the variance that the components explain together. */
    share: z.number().min(0).max(1),
  })
  .refine(({ mean, components, variances }) => components.length === mean.length * variances.length);

export class ComponentLearner implements Learner<ComponentLearner> {
  readonly #method: string;
  readonly #wanted: ComponentsWanted;
  readonly columns: Columns<ScaledGram>;

  constructor(method: string, wanted: ComponentsWanted) {
    this.#method = method;
    this.#wanted = wanted;
    this.columns = new Columns(method, mostColumns, (columns) => new ScaledGram(columns));
  }

  static saved(method: string, wanted: ComponentsWanted) {
    return z.strictObject({ columns: ScaledGram.saved.nullable() }).transform(({ columns }) => {
      const learner = new ComponentLearner(method, wanted);
      learner.columns.restore(columns);
      return learner;
    });
  }

  add(value: Value): void {
    completeVectorOf(this.#method, value, null);
    this.columns.add(value);
  }

  merge(other: ComponentLearner): void {
    this.columns.merge(other.columns);
  }

  save() {
    return { columns: this.columns.save() };
  }

  finish() {
    const { state } = this.columns;
    if (state.vectors < 2) throw insufficient(this.#method, 'needs at least two records');
    const moments = state.moments();
    if (moments === null) throw insufficient(this.#method, 'was given only zeros');
    return this.#choose(moments, state.columns);
  }

  #choose({ power, mean, covariance, width }: Moments, columns: number) {
    const { values, vectors } = eigenvectors(covariance, width);
    const total = values.reduce((sum, value) => sum + Math.max(value, 0), 0);
    const rank = values.findIndex((value) => !(value > columns * 2 ** -52 * (values[0] ?? 0)));
    const found = rank < 0 ? values.length : rank;
    const count = this.#wanted.dimensions ?? enoughFor(values, (this.#wanted.share ?? 1) * total, found);
    this.#checkRank(count, found);
    const scale = powerOfTwo(power);
    const components = new Float32Array(count * columns);
    vectors(count).forEach((vector, k) => {
      components.set(vector.subarray(0, columns), k * columns);
    });
    return {
      mean: packNumbers(mean.subarray(0, columns).map((entry) => entry * scale)),
      components: packNumbers(components),
      variances: Array.from(values.subarray(0, count), (value) => value * scale * scale),
      share: Math.min(values.subarray(0, count).reduce((sum, value) => sum + value, 0) / total, 1),
    };
  }

  /** Beyond the rank, directions would consist of rounding errors. */
  #checkRank(count: number, found: number): void {
    if (found > 0 && count <= found) return;
    const text =
      found === 0
        ? 'finds that all vectors are alike'
        : `finds only ${found} directions with variance, but needs ${count}`;
    throw insufficient(this.#method, `${text}; use more records or fewer dimensions`);
  }
}

/** The smallest number of components that explain this much variance. */
function enoughFor(values: Float64Array, variance: number, found: number): number {
  let explained = 0;
  for (let count = 0; count < found; count++) {
    explained += values[count] ?? 0;
    if (explained >= variance) return count + 1;
  }
  return found;
}
