/**
 * Novelty: the relative Mahalanobis distance, d² to the nearest class less d² to all classes taken together (Ren et al.: A Simple
 * Fix to Mahalanobis Distance for Improving Near-OOD Detection, 2021), as a percentile among the examples of the sample, each
 * scored without itself.
 *
 * With W_ε + B for the covariance of all, B = Σ π_k c_k c_kᵀ the scatter of the class means c_k around the center, the two
 * inverses differ in at most as many directions as there are classes: by Woodbury d_0² = yᵀW_ε⁻¹y − qᵀ M q, with
 * q_k = c_kᵀW_ε⁻¹y. The difference, min_k (c_kᵀW_ε⁻¹c_k − tr(W_ε⁻¹W)/n_k − 2 q_k) + qᵀ M q, needs only the linear scores that a
 * prediction has computed anyway. (The middle term corrects for the error of a mean of n_k examples, as in the discriminant.)
 *
 * qᵀ M q is the distance from the center along the directions that separate classes. Unknown vectors lie near the middle; a
 * vector beyond a class is seldom novel, though far from the class's mean. A part of qᵀ M q is therefore discounted. Settled
 * heads add a small share of the distance from the center in all directions (marginal-distance.ts).
 */
import { leaveSingleOut, measureGaps } from '../calibration/leave-one-out.ts';
import type { WhitenedSample } from '../calibration/whitened-sample.ts';
import { eliminate, substituteBack } from '../kernel/elimination.ts';
import { bilinear, dot } from '../numerics/vector-arithmetic.ts';
import { type MarginalDistance, measureMarginalDistance } from './marginal-distance.ts';

/** Number of stored quantiles. */
const quantileCount = 129;
/** With fewer examples a percentile has no meaning. */
const smallestSample = 20;
/**
 * Share of qᵀ M q that is discounted. Chosen among shares from 0 to 0.3 on training digits, the other five being new, with
 * vectors of LeNet and plain pixels and with 1,000 and 10,000 labels: the area under the curve rises by 0.001 to 0.02 in all of
 * them.
 */
const meanDistanceDiscount = 0.15;
/**
 * Share of the marginal distance that is added, where it is known; chosen like `meanDistanceDiscount`, among shares from 0 to
 * 0.1.
 */
const marginalDistanceShare = 0.05;
/** With more classes M, which has this many entries squared, would be too large. */
const maximumClasses = 256;

export interface NoveltyParameters {
  /** q_k = scale · logit_k + offset_k. */
  readonly scale: number;
  readonly offsets: Float64Array;
  /** c_kᵀW_ε⁻¹c_k − tr(W_ε⁻¹W)/n_k */
  readonly squares: Float64Array;
  /** M after the discount, classes × classes. */
  readonly background: Float64Array;
  /** Evenly spaced quantiles of the relative distance, ascending. */
  readonly quantiles: Float64Array;
  /** Null for a head whose training does not compute it. */
  readonly marginalDistance: MarginalDistance | null;
}

/** The reference for novelty, before its relation to logits is known. */
type NoveltyReference = Omit<NoveltyParameters, 'scale' | 'offsets'>;

/**
 * `remote` is the leave-one-out marginal distance of the sample's vectors. Null where there are too few examples to compare
 * with.
 */
export function fitNovelty(
  sample: WhitenedSample,
  marginalDistance: MarginalDistance | null = null,
  remote: readonly number[] = [],
): NoveltyReference | null {
  const { counts, examples, effectiveDimensions } = sample;
  if (counts.length > maximumClasses) return null;
  const reference = describeMeans(sample);
  const distances = leaveOneOutDistances(sample, reference, remote);
  if (distances.length < smallestSample) return null;
  const squares = counts.map((count, k) => {
    return examples * (reference.products[k * counts.length + k] ?? 0) - effectiveDimensions / count;
  });
  const background = reference.background.map((value) => (1 - meanDistanceDiscount) * value);
  return { squares, background, quantiles: findQuantiles(distances), marginalDistance };
}

/** Percentile in [0, 1] of a vector (in the space of the statistics) with these logits. */
export function measureNovelty(
  parameters: NoveltyParameters,
  logits: Float64Array,
  vector: Int16Array,
): number {
  const { scale, offsets, squares, background, quantiles, marginalDistance } = parameters;
  const scores = logits.map((logit, k) => scale * logit + (offsets[k] ?? 0));
  const remote = marginalDistance === null ? 0 : measureMarginalDistance(marginalDistance, vector);
  const distance = relativeDistance(scores, squares, background) + marginalDistanceShare * remote;
  let below = 0;
  while (below < quantiles.length && (quantiles[below] ?? 0) <= distance) below++;
  if (below === 0 || below === quantiles.length) return below === 0 ? 0 : 1;
  const low = quantiles[below - 1] ?? 0;
  const high = quantiles[below] ?? 0;
  return (below - 1 + (distance - low) / (high - low)) / (quantiles.length - 1);
}

function relativeDistance(scores: Float64Array, squares: Float64Array, background: Float64Array): number {
  const nearest = smallest(squares.map((square, k) => square - 2 * (scores[k] ?? 0)));
  return nearest + bilinear(background, scores, scores);
}

interface Means {
  /** c_jᵀA⁻¹c_k for all pairs. */
  readonly products: Float64Array;
  /** M */
  readonly background: Float64Array;
}

function describeMeans({ means, counts, examples }: WhitenedSample): Means {
  const products = Float64Array.from(means.flatMap((a) => means.map((b) => dot(a.whitened, b.whitened))));
  return { products, background: invertBackground(products, counts, examples) };
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

/**
 * The relative distance of each example of the sample to the rest of the set, without those whose class has no other. Exact,
 * except that the ridge ρ stays that of the whole set.
 */
export function leaveOneOutDistances(
  sample: WhitenedSample,
  reference = describeMeans(sample),
  remote: readonly number[] = [],
): number[] {
  const gaps = measureGaps(sample.means);
  return sample.vectors.flatMap((_, index) => {
    const distance = leaveOut(sample, reference, gaps, index);
    return distance === null ? [] : distance + marginalDistanceShare * (remote[index] ?? 0);
  });
}

/**
 * The relative distance of an example x of class y to the rest of the set; null where nothing can be compared. With u = x − μ_y
 * and z = x − m, the scatter within classes becomes S − c u uᵀ (c = n_y/(n_y − 1)), that of all examples loses f z zᵀ (f = n/(n
 * − 1)), and so n times the covariance of all, (1 − ε) S + ρ I + n B = T, becomes T + ε c u uᵀ − f z zᵀ: two steps of Sherman
 * and Morrison, and one for A = (1 − ε) S + ρ I. The center moves so that x − center becomes f z.
 */
function leaveOut(
  sample: WhitenedSample,
  reference: Means,
  gaps: Float64Array,
  index: number,
): number | null {
  const { means, counts, examples } = sample;
  const label = sample.labels[index] ?? 0;
  const mean = means[label]?.whitened;
  const z = sample.vectors[index]?.whitened;
  const distances = leaveSingleOut(sample, index, gaps);
  if (distances === null || mean === undefined || z === undefined) return null;
  const count = counts[label] ?? 0;
  const toMeans = means.map(({ whitened }) => dot(z, whitened));
  const fromMean = toMeans.map((side, k) => side - (reference.products[label * means.length + k] ?? 0));
  const between = (a: readonly number[], b: readonly number[]) =>
    examples * bilinear(reference.background, a, b);
  const toOwn = toMeans[label] ?? 0;
  const square = dot(z, z);
  const spread = square - 2 * toOwn + dot(mean, mean);
  const c = count / (count - 1);
  const alongA = square - toOwn;
  const alongT = alongA - between(toMeans, fromMean);
  const inT =
    square -
    between(toMeans, toMeans) -
    step(sample.epsilon * c, alongT, spread - between(fromMean, fromMean));
  const f = examples / (examples - 1);
  const rest = 1 - f * inT;
  if (!(rest > 0)) return null;
  const inA = square - step((sample.epsilon - 1) * c, alongA, spread);
  return (
    smallest(distances) -
    examples * f * ((1 - meanDistanceDiscount) * (inT / rest) + meanDistanceDiscount * inA)
  );
}

/** The amount that adding g·u uᵀ to a matrix subtracts from zᵀ(·)⁻¹z, given zᵀ(·)⁻¹u and uᵀ(·)⁻¹u (Sherman and Morrison). */
function step(g: number, along: number, spread: number): number {
  return (g * along * along) / (1 + g * spread);
}

function smallest(values: Float64Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) if (value < least) least = value;
  return least;
}

function findQuantiles(distances: readonly number[]): Float64Array {
  const sorted = Float64Array.from(distances).sort();
  return Float64Array.from({ length: quantileCount }, (_, i) => {
    return sorted[Math.round((i * (sorted.length - 1)) / (quantileCount - 1))] ?? 0;
  });
}
