/**
 * Whether a vector looks like anything that was learned: the relative Mahalanobis distance, d² to the nearest class less d² to all classes
 * taken together (Ren et al.: A Simple Fix to Mahalanobis Distance for Improving Near-OOD Detection, 2021), as a percentile among the
 * examples of the sample, each judged without itself.
 *
 * With W_ε + B for the covariance of all, B = Σ π_k c_k c_kᵀ the scatter of the class means c_k around the center, the two inverses differ in
 * at most as many directions as there are classes: by Woodbury d_0² = yᵀW_ε⁻¹y − qᵀ M q, with q_k = c_kᵀW_ε⁻¹y. What is left,
 * min_k (c_kᵀW_ε⁻¹c_k − 2 q_k) + qᵀ M q, needs nothing but the linear scores that a prediction has computed anyway.
 */
import { eliminate, substituteBack } from './plain-elimination.ts';
import type { Problem } from './problem.ts';
import { dot, subtract } from './vector-arithmetic.ts';
import type { Whitened, Whitening } from './whitening.ts';

/** Points of the distribution that are kept. */
const quantileCount = 129;
/** With fewer examples a percentile says nothing. */
const smallestSample = 20;
/** M has this many entries squared. */
const maximumClasses = 256;

export interface NoveltyParameters {
  /** q_k = scale · logit_k + offset_k. */
  readonly scale: number;
  readonly offsets: Float64Array;
  /** c_kᵀW_ε⁻¹c_k */
  readonly squares: Float64Array;
  /** M, classes × classes. */
  readonly background: Float64Array;
  /** Evenly spaced quantiles of the relative distance, ascending. */
  readonly quantiles: Float64Array;
}

/** What novelty is measured by, before it is known how it follows from logits. */
export type NoveltyReference = Omit<NoveltyParameters, 'scale' | 'offsets'>;

/** `whitening` holds the sample, then the class means, both less the center. Null where there is too little to compare with. */
export function buildNovelty(problem: Problem, whitening: Whitening): NoveltyReference | null {
  const { counts, examples, sample } = problem;
  const means = whitening.vectors.slice(sample.length).map(({ whitened }) => whitened);
  if (counts.length > maximumClasses) return null;
  const products = multiplyMeans(means);
  const background = invertBackground(products, counts, examples);
  const distances: number[] = [];
  whitening.vectors.slice(0, sample.length).forEach((vector, index) => {
    const distance = leaveOut(problem, whitening, means, products, background, vector, index);
    if (distance !== null) distances.push(distance);
  });
  if (distances.length < smallestSample) return null;
  const squares = means.map((_, k) => examples * (products[k * means.length + k] ?? 0));
  return { squares: Float64Array.from(squares), background, quantiles: findQuantiles(distances) };
}

/** Percentile in [0, 1] of a vector whose logits these are. */
export function measureNovelty(parameters: NoveltyParameters, logits: Float64Array): number {
  const { scale, offsets, squares, background, quantiles } = parameters;
  const scores = logits.map((logit, k) => scale * logit + (offsets[k] ?? 0));
  const distance = relativeDistance(scores, squares, background);
  let below = 0;
  while (below < quantiles.length && (quantiles[below] ?? 0) <= distance) below++;
  if (below === 0 || below === quantiles.length) return below === 0 ? 0 : 1;
  const low = quantiles[below - 1] ?? 0;
  const high = quantiles[below] ?? 0;
  return (below - 1 + (distance - low) / (high - low)) / (quantiles.length - 1);
}

function relativeDistance(scores: Float64Array, squares: Float64Array, background: Float64Array): number {
  const classes = scores.length;
  let nearest = Number.POSITIVE_INFINITY;
  let form = 0;
  for (let k = 0; k < classes; k++) {
    const distance = (squares[k] ?? 0) - 2 * (scores[k] ?? 0);
    if (distance < nearest) nearest = distance;
    let row = 0;
    for (let j = 0; j < classes; j++) row += (background[k * classes + j] ?? 0) * (scores[j] ?? 0);
    form += row * (scores[k] ?? 0);
  }
  return nearest + form;
}

/** c_jᵀA⁻¹c_k for all pairs. */
function multiplyMeans(means: readonly Float64Array[]): Float64Array {
  return Float64Array.from(means.flatMap((a) => means.map((b) => dot(a, b))));
}

/** M = Π (I + Π P Π)⁻¹ Π with Π = diag √π and P = n · c_jᵀA⁻¹c_k. */
function invertBackground(products: Float64Array, counts: Float64Array, examples: number): Float64Array {
  const classes = counts.length;
  const rows = Math.ceil(classes / 4) * 4;
  const columns = 2 * rows;
  const roots = counts.map((count) => Math.sqrt(count / examples));
  const matrix = new Float64Array(rows * columns);
  for (let j = 0; j < rows; j++) {
    matrix[j * columns + j] = 1;
    matrix[j * columns + rows + j] = 1;
    if (j >= classes) continue;
    for (let k = j; k < classes; k++) {
      const at = j * columns + k;
      const product = examples * (products[j * classes + k] ?? 0);
      matrix[at] = (matrix[at] ?? 0) + (roots[j] ?? 0) * product * (roots[k] ?? 0);
    }
  }
  eliminate(matrix, rows, columns);
  substituteBack(matrix, rows, columns);
  const inverse = new Float64Array(classes * classes);
  for (let j = 0; j < classes; j++) {
    for (let k = 0; k < classes; k++) {
      inverse[j * classes + k] = (roots[j] ?? 0) * (matrix[j * columns + rows + k] ?? 0) * (roots[k] ?? 0);
    }
  }
  return inverse;
}

/** The relative distance of an example to what is left without it; see leave-one-out.ts. The center and M stay. */
function leaveOut(
  { counts, examples, sampleLabels }: Problem,
  { epsilon }: Whitening,
  means: readonly Float64Array[],
  products: Float64Array,
  background: Float64Array,
  { whitened }: Whitened,
  index: number,
): number | null {
  const label = sampleLabels[index] ?? 0;
  const count = counts[label] ?? 0;
  const mean = means[label];
  if (count < 2 || mean === undefined) return null;
  const u = subtract(whitened, mean, 1);
  const gain = ((1 - epsilon) * count) / (count - 1);
  const rest = 1 - gain * dot(u, u);
  if (!(rest > 0)) return null;
  const along = dot(whitened, u);
  const moved = subtract(mean, u, 1 / (count - 1));
  const scores = new Float64Array(means.length);
  const squares = new Float64Array(means.length);
  means.forEach((other, k) => {
    const own = k === label ? moved : other;
    const side = dot(own, u);
    const square = k === label ? dot(own, own) : (products[k * means.length + k] ?? 0);
    scores[k] = (examples - 1) * (dot(whitened, own) + (gain * along * side) / rest);
    squares[k] = (examples - 1) * (square + (gain * side * side) / rest);
  });
  return relativeDistance(scores, squares, background);
}

function findQuantiles(distances: readonly number[]): Float64Array {
  const sorted = Float64Array.from(distances).sort();
  return Float64Array.from({ length: quantileCount }, (_, i) => {
    return sorted[Math.round((i * (sorted.length - 1)) / (quantileCount - 1))] ?? 0;
  });
}
