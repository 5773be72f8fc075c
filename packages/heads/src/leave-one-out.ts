/**
 * How each example of the sample would be judged by a head that never saw it (nor its group), without solving again: leaving examples
 * out takes a few rank-one terms from the scatter, and their effect on distances follows from dot products of whitened vectors.
 */

/** Vectors in coordinates where A = (1 − ε) S + ε·tr(S)/D·I is the identity. */
export interface WhitenedSample {
  readonly epsilon: number;
  /** Examples in the whole set. */
  readonly examples: number;
  readonly vectors: readonly Float64Array[];
  /** Class index of each vector. */
  readonly labels: Int32Array;
  /** Group of each vector; a fold is a group, or an example without one. */
  readonly groups: readonly (string | null)[];
  /** Class means. */
  readonly means: readonly Float64Array[];
  /** Examples of each class in the whole set. */
  readonly counts: Float64Array;
  /** tr(W_ε⁻¹ W). */
  readonly effectiveDimensions: number;
}

/** Corrected squared distances of design section 4 from examples to classes, both without the example's fold. */
export interface LeftOutDistances {
  readonly classes: number;
  /** Examples × classes; +Infinity for a class that has no other examples. */
  readonly distances: Float64Array;
  /** Class index of each example; −1 where its class has no other examples, and it can't be scored. */
  readonly labels: Int32Array;
}

export function leaveOneOut(sample: WhitenedSample): LeftOutDistances {
  const classes = sample.counts.length;
  const distances = new Float64Array(sample.labels.length * classes);
  const labels = sample.labels.slice();
  for (const members of findFolds(sample.groups)) {
    const fold = leaveOut(sample, members);
    const squared = measureFold(sample, members, fold);
    members.forEach((example, index) => {
      for (let k = 0; k < classes; k++) {
        const count = fold.counts[k] ?? 0;
        const distance = (squared?.[index * classes + k] ?? 0) - sample.effectiveDimensions / count;
        distances[example * classes + k] = count > 0 ? distance : Number.POSITIVE_INFINITY;
      }
      if (squared === null || fold.counts[labels[example] ?? 0] === 0) labels[example] = -1;
    });
  }
  return { classes, distances, labels };
}

/** Indices of examples that are left out together, in the order of the sample. */
function findFolds(groups: readonly (string | null)[]): number[][] {
  const folds: number[][] = [];
  const byGroup = new Map<string, number[]>();
  groups.forEach((group, index) => {
    const known = group === null ? undefined : byGroup.get(group);
    if (known) {
      known.push(index);
      return;
    }
    const fold = [index];
    folds.push(fold);
    if (group !== null) byGroup.set(group, fold);
  });
  return folds;
}

interface Fold {
  /** Class means and counts without the fold. */
  readonly means: readonly Float64Array[];
  readonly counts: Float64Array;
  /** Columns v of V, where A becomes A − (1 − ε) V Vᵀ without the fold. */
  readonly directions: Float64Array[];
}

/**
 * Without the fold F, S' = S − Σ_{i∈F} u_i u_iᵀ − Σ_k m_k²/(n_k − m_k) ū_k ū_kᵀ, where u_i = x_i − μ_k, m_k examples of F are of class k, and
 * ū_k is the mean of their u. The target of the shrinkage stays that of the whole set.
 */
function leaveOut(sample: WhitenedSample, members: readonly number[]): Fold {
  const means = [...sample.means];
  const counts = sample.counts.slice();
  const directions: Float64Array[] = [];
  const sums = new Map<number, { sum: Float64Array; count: number }>();
  for (const example of members) {
    const label = sample.labels[example] ?? 0;
    const difference = subtract(at(sample.vectors, example), at(sample.means, label), 1);
    directions.push(difference);
    const known = sums.get(label);
    sums.set(label, {
      sum: known ? subtract(known.sum, difference, -1) : difference,
      count: (known?.count ?? 0) + 1,
    });
  }
  for (const [label, { sum, count }] of sums) {
    const left = (counts[label] ?? 0) - count;
    counts[label] = left;
    if (left <= 0) continue;
    means[label] = subtract(at(sample.means, label), sum, 1 / left);
    directions.push(sum.map((value) => value * Math.sqrt(1 / left)));
  }
  return { means, counts, directions };
}

/**
 * (x − μ_k')ᵀ W_ε'⁻¹ (x − μ_k') for members × classes, by one Sherman–Morrison step for each direction: taking g·v vᵀ from A adds
 * g·⟨a,v⟩⟨b,v⟩ / (1 − g⟨v,v⟩) to each product ⟨a,b⟩. Null where nothing is left to whiten with.
 */
function measureFold(sample: WhitenedSample, members: readonly number[], fold: Fold): Float64Array | null {
  const { means, directions } = fold;
  const scale = 1 - sample.epsilon;
  const differences = members.flatMap((example) =>
    means.map((mean) => subtract(at(sample.vectors, example), mean, 1)),
  );
  const squared = Float64Array.from(differences, (difference) => dot(difference, difference));
  const products = directions.map((v) => Float64Array.from(differences, (difference) => dot(v, difference)));
  const own = directions.map((v) => Float64Array.from(directions, (other) => dot(v, other)));
  for (let step = 0; step < directions.length; step++) {
    const rest = 1 - scale * (own[step]?.[step] ?? 0);
    if (!(rest > 0)) return null;
    const row = at(products, step);
    for (let i = 0; i < squared.length; i++)
      squared[i] = (squared[i] ?? 0) + (scale / rest) * (row[i] ?? 0) * (row[i] ?? 0);
    for (let next = step + 1; next < directions.length; next++) {
      const factor = (scale / rest) * (own[step]?.[next] ?? 0);
      addScaled(at(products, next), row, factor);
      addScaled(at(own, next), at(own, step), factor);
    }
  }
  const remaining = sample.examples - members.length;
  return squared.map((value) => value * remaining);
}

function at<T>(array: readonly T[], index: number): T {
  const value = array[index];
  if (value === undefined) throw new RangeError(`No element ${index}`);
  return value;
}

/** a − factor · b */
function subtract(a: Float64Array, b: Float64Array, factor: number): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = (a[i] ?? 0) - factor * (b[i] ?? 0);
  return result;
}

function addScaled(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] ?? 0) + factor * (from[i] ?? 0);
}

/** In index order. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
