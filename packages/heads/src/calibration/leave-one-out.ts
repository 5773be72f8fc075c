/**
 * Scores each example of the sample with a head that has not seen it (nor its group), without solving again. Leaving examples
 * out subtracts a few rank-one terms from the scatter; their effect on distances follows from dot products of whitened vectors.
 */
import type { Whitened } from '../models/whitening.ts';
import { dot, squaredDistance, subtract } from '../numerics/vector-arithmetic.ts';
import { findFolds } from '../training-set/folds.ts';
import { leaveGroupOut } from './leave-group-out.ts';
import type { HeldOutLogits } from './temperature.ts';
import type { WhitenedSample } from './whitened-sample.ts';

/**
 * Logits −½ d_k², where d_k² are the corrected squared distances of design section 4 from examples to classes, both without the
 * example's fold. The target of the shrinkage, ρ I, stays that of the whole set; everything else equals training without the
 * fold, up to rounding.
 */
export function leaveOneOut(sample: WhitenedSample): HeldOutLogits {
  const classes = sample.counts.length;
  const logits = new Float64Array(sample.labels.length * classes);
  const labels = sample.labels.slice();
  const gaps = measureGaps(sample.means);
  for (const fold of findFolds(sample.groups)) {
    const evaluated =
      fold.length === 1 ? leaveSingleOut(sample, fold[0] ?? 0, gaps) : leaveGroupOut(sample, fold);
    fold.forEach((example, index) => {
      const label = labels[example] ?? 0;
      const own = evaluated?.subarray(index * classes, (index + 1) * classes);
      if (own === undefined || own[label] === Number.POSITIVE_INFINITY) labels[example] = -1;
      else
        own.forEach((distance, k) => {
          logits[example * classes + k] = -0.5 * distance;
        });
    });
  }
  return { classes, logits, labels };
}

/**
 * Corrected squared distances to the classes without the example itself; null where its class has no other. `gaps` are those of
 * `measureGaps`. Without x of class y, S' = S − c u uᵀ with u = x − μ_y and c = n_y/(n_y − 1), and x − μ_y' = c u. By Sherman
 * and Morrison, with g = 1 − ε, h = uᵀA⁻¹u and r = 1 − g c h: aᵀA'⁻¹a = aᵀA⁻¹a + g c (aᵀA⁻¹u)²/r, which for a = c u is c² h /
 * r; and tr(A'⁻¹S') = tr(A⁻¹S) − ρ c |A⁻¹u|²/r.
 */
export function leaveSingleOut(
  sample: WhitenedSample,
  example: number,
  gaps: Float64Array,
): Float64Array | null {
  const { means, counts } = sample;
  const classes = counts.length;
  const label = sample.labels[example] ?? 0;
  const count = counts[label] ?? 0;
  const vector = sample.vectors[example];
  const mean = means[label];
  if (count < 2 || vector === undefined || mean === undefined) return null;
  const u = subtract(vector.whitened, mean.whitened, 1);
  const c = count / (count - 1);
  const h = dot(u, u);
  const gain = (1 - sample.epsilon) * c;
  const rest = 1 - gain * h;
  if (!(rest > 0)) return null;
  const effective = sample.effectiveDimensions - (sample.ridge * c * squareSolved(vector, mean)) / rest;
  const others = sample.examples - 1;
  const toOwn = dot(u, mean.whitened);
  return Float64Array.from(means, ({ whitened }, k) => {
    if (k === label) return (others * c * c * h) / rest - effective / (count - 1);
    const along = toOwn - dot(u, whitened);
    const product = h + along;
    const plain = h + 2 * along + (gaps[label * classes + k] ?? 0);
    return others * (plain + (gain * product * product) / rest) - effective / (counts[k] ?? 1);
  });
}

/** |A⁻¹u|²; 0 where A⁻¹x of the sample was not computed. */
function squareSolved(vector: Whitened, mean: Whitened): number {
  return vector.solved.length === 0 ? 0 : squaredDistance(vector.solved, mean.solved);
}

/** Squared distances between means, classes × classes. */
export function measureGaps(means: readonly Whitened[]): Float64Array {
  const gaps = new Float64Array(means.length ** 2);
  means.forEach((a, k) => {
    for (let l = k + 1; l < means.length; l++) {
      const gap = squaredDistance(a.whitened, means[l]?.whitened ?? a.whitened);
      gaps[k * means.length + l] = gap;
      gaps[l * means.length + k] = gap;
    }
  });
  return gaps;
}
