/**
 * Near-duplicates of one group must be left out together. Otherwise each would be scored by a head that has seen its
 * duplicates, and the measured accuracy would be too high.
 */
import type { Whitened } from '../models/whitening.ts';
import { addScaled, dot, subtract } from '../numerics/vector-arithmetic.ts';
import type { WhitenedSample } from './whitened-sample.ts';

/**
 * Corrected squared distances of members × classes without the members; +Infinity to a class that has no other examples. Null
 * where, after rounding, no positive definite matrix is left for whitening.
 */
export function leaveGroupOut(sample: WhitenedSample, members: readonly number[]): Float64Array | null {
  const { means, counts, directions } = withoutGroup(sample, members);
  const differences = members.flatMap((example) =>
    means.map((mean) => subtract(whitenedAt(sample.vectors, example).whitened, mean, 1)),
  );
  const squared = Float64Array.from(differences, (difference) => dot(difference, difference));
  const effective = takeDirections(sample, directions, differences, squared);
  if (effective === null) return null;
  const others = sample.examples - members.length;
  return squared.map((value, index) => {
    const count = counts[index % counts.length] ?? 0;
    return count > 0 ? others * value - effective / count : Number.POSITIVE_INFINITY;
  });
}

interface GroupLeftOut {
  /** Whitened class means and counts without the group. */
  readonly means: readonly Float64Array[];
  readonly counts: Float64Array;
  /** Columns v of V, where S becomes S − V Vᵀ without the group. */
  readonly directions: readonly Whitened[];
}

/**
 * Without the members F, S' = S − Σ_{i∈F} u_i u_iᵀ − Σ_k s_k s_kᵀ/(n_k − m_k), where u_i = x_i − μ_k, m_k members are of class k, and s_k is the
 * sum of their u; the mean becomes μ_k − s_k/(n_k − m_k).
 */
function withoutGroup(sample: WhitenedSample, members: readonly number[]): GroupLeftOut {
  const means = sample.means.map(({ whitened }) => whitened);
  const counts = sample.counts.slice();
  const directions: Whitened[] = [];
  const sums = new Map<number, Whitened>();
  for (const example of members) {
    const label = sample.labels[example] ?? 0;
    const u = minus(whitenedAt(sample.vectors, example), whitenedAt(sample.means, label), 1);
    directions.push(u);
    const sum = sums.get(label);
    sums.set(label, sum === undefined ? u : minus(sum, u, -1));
    counts[label] = (counts[label] ?? 0) - 1;
  }
  for (const [label, sum] of sums) {
    const left = counts[label] ?? 0;
    if (left <= 0) continue;
    means[label] = subtract(whitenedAt(sample.means, label).whitened, sum.whitened, 1 / left);
    const root = Math.sqrt(1 / left);
    directions.push({
      whitened: sum.whitened.map((value) => value * root),
      solved: sum.solved.map((value) => value * root),
    });
  }
  return { means, counts, directions };
}

/**
 * One Sherman–Morrison step for each direction v: subtracting g·v vᵀ from A adds g·⟨a,v⟩⟨b,v⟩ / (1 − g⟨v,v⟩) to each product
 * ⟨a,b⟩ = aᵀA⁻¹b, here to the squares of `differences`; tr(A⁻¹S) decreases by ρ |A⁻¹v|² / (1 − g⟨v,v⟩). Returns that trace
 * after all steps.
 */
function takeDirections(
  sample: WhitenedSample,
  directions: readonly Whitened[],
  differences: readonly Float64Array[],
  squared: Float64Array,
): number | null {
  const scale = 1 - sample.epsilon;
  const products = directions.map((v) => Float64Array.from(differences, (other) => dot(v.whitened, other)));
  const own = directions.map((v) =>
    Float64Array.from(directions, (other) => dot(v.whitened, other.whitened)),
  );
  const solved = directions.map((v) => v.solved.slice());
  let effective = sample.effectiveDimensions;
  for (const [step, row] of products.entries()) {
    const ownRow = own[step] ?? row;
    const solvedRow = solved[step] ?? row;
    const rest = 1 - scale * (ownRow[step] ?? 0);
    if (!(rest > 0)) return null;
    const gain = scale / rest;
    for (let i = 0; i < squared.length; i++)
      squared[i] = (squared[i] ?? 0) + gain * (row[i] ?? 0) * (row[i] ?? 0);
    effective -= (sample.ridge * dot(solvedRow, solvedRow)) / rest;
    for (let next = step + 1; next < directions.length; next++) {
      const factor = gain * (ownRow[next] ?? 0);
      for (const rows of [products, own, solved]) addScaled(rows[next] ?? row, rows[step] ?? row, factor);
    }
  }
  return effective;
}

function minus(a: Whitened, b: Whitened, factor: number): Whitened {
  return { whitened: subtract(a.whitened, b.whitened, factor), solved: subtract(a.solved, b.solved, factor) };
}

function whitenedAt(vectors: readonly Whitened[], index: number): Whitened {
  const vector = vectors[index];
  if (vector === undefined) throw new RangeError(`no vector at index ${index}`);
  return vector;
}
