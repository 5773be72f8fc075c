/**
 * The linear discriminant on which a logistic regression is centred, of all examples or without held-out ones. Sums are exact,
 * so subtracting examples gives exactly the sums of the remaining ones.
 */
import { CholeskyFactor } from '../../numerics/cholesky-factor.ts';
import { dot } from '../../numerics/vector-arithmetic.ts';
import { type ReadonlyStatistics, SufficientStatistics } from '../../training-set/sufficient-statistics.ts';
import { centerOf, formScatter, isFlat, ridgeOf, sumsOfClasses } from '../scatter.ts';

/** The parameters chosen for the discriminant of the whole set. */
export interface WeightPriorChoices {
  /** ε of the shrinkage. */
  readonly shrinkage: number;
  readonly temperature: number;
  /** tr(W_ε⁻¹ W) */
  readonly effectiveDimensions: number;
}

export interface WeightPrior {
  readonly width: number;
  /** The mean of all vectors, which is subtracted before scoring. */
  readonly center: Float64Array;
  /** U of W_ε = UᵀU, valid until the kernel's next claim. */
  readonly factor: CholeskyFactor;
  /** Classes × width, for centred vectors; zeros for a class without examples. */
  readonly weights: Float64Array;
  /** −Infinity for a class without examples. */
  readonly intercepts: Float64Array;
}

/** The statistics without some of the examples. `vectors` are in the space of the statistics. */
export function withoutExamples(
  sums: ReadonlyStatistics,
  examples: readonly { readonly label: string; readonly vector: Int16Array }[],
): ReadonlyStatistics {
  const rest = new SufficientStatistics(sums.dimensions, sums.kernel);
  for (const label of sums.classes) rest.restoreClass(label, sums.count(label), sums.sum(label));
  rest.restoreGram(sums.gram);
  for (const { label, vector } of examples) rest.remove(label, vector);
  return rest;
}

/**
 * logit_k = −½ d_k² / T without the terms common to all classes, as in `lda`, of these classes in their order. Null where fewer
 * than two have examples, examples of a class do not differ, or, after rounding, the matrix is not positive definite.
 */
export function computeWeightPrior(
  sums: ReadonlyStatistics,
  classes: readonly string[],
  choices: WeightPriorChoices,
): WeightPrior | null {
  const { width } = sums;
  const factor = sums.classes.length < 2 ? null : factorWithin(sums, choices.shrinkage);
  if (factor === null) return null;
  const center = centerOf(sums);
  const weights = new Float64Array(classes.length * width);
  classes.forEach((label, k) => {
    const [sum, count] = [sums.sum(label), sums.count(label)];
    if (count === 0) return;
    for (let i = 0; i < width; i++) weights[k * width + i] = (sum[i] ?? 0) / count - (center[i] ?? 0);
  });
  factor.solveTransposed(weights);
  const intercepts = Float64Array.from(classes, (label, k) => {
    const mean = weights.subarray(k * width, (k + 1) * width);
    const squared = dot(mean, mean) - choices.effectiveDimensions / sums.count(label);
    return sums.count(label) === 0 ? Number.NEGATIVE_INFINITY : (-0.5 * squared) / choices.temperature;
  });
  factor.solveUpper(weights);
  for (let i = 0; i < weights.length; i++) weights[i] = (weights[i] ?? 0) / choices.temperature;
  return { width, center, factor, weights, intercepts };
}

/** Factor of W_ε = ((1 − ε) S + ρ I) / n. */
function factorWithin(sums: ReadonlyStatistics, shrinkage: number): CholeskyFactor | null {
  const { kernel, width, examples } = sums;
  const scatter = formScatter(sums, sumsOfClasses(sums), width);
  if (isFlat({ scatter: scatter.trace, total: scatter.total })) return null;
  const ridge = ridgeOf(scatter, shrinkage) / examples;
  kernel.shrinkInPlace(scatter.entries, width, width, (1 - shrinkage) / examples, ridge);
  const { entries, columns, scratch } = scatter;
  if (!kernel.eliminate(entries, width, columns, scratch)) return null;
  return new CholeskyFactor({ kernel, entries, columns, width, scratch });
}
