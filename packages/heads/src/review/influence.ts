/** Influence of single examples on a head: the most helpful ones, the most harmful ones, and those that support a prediction. */
import type { Head, LabelledVector, TrainingSet } from '../api.ts';
import { BoundedRanking } from '../measurements/bounded-ranking.ts';
import type { Whitened } from '../models/whitening.ts';
import { compareUtf8 } from '../numerics/utf8-order.ts';
import { dot, subtract } from '../numerics/vector-arithmetic.ts';
import {
  batchesOf,
  type DiscriminantSpace,
  openDiscriminantSpace,
  type WhitenedPart,
} from './discriminant-space.ts';

/**
 * The target: an example of the set, or any vector with the label whose probability matters (for a prediction: the predicted
 * one).
 */
export interface InfluenceTarget {
  /** Id of the example, which has no influence on itself; for any other vector, an id that is not in the set. */
  readonly imageId: string;
  readonly label: string;
  readonly vector: Int16Array;
}

export interface ExampleInfluence {
  readonly imageId: string;
  readonly label: string;
  /**
   * Mean over the targets of −ln p(target's label) without this example, less the same with it, in nats: above zero where the
   * example helps, below zero where it harms.
   */
  readonly influence: number;
}

export interface InfluenceRanking {
  /** Most helpful first. */
  readonly helpful: readonly ExampleInfluence[];
  /** Most harmful first. */
  readonly harmful: readonly ExampleInfluence[];
}

export interface InfluenceOptions {
  /** Number of listed examples on each side, default 20. */
  readonly limit?: number;
  /** See `LabelErrorOptions.head`. */
  readonly head?: Head;
}

/** Number of examples that are whitened at a time. */
const partSize = 1000;

/**
 * The examples of the set with the largest influence on the targets, by leaving each out in closed form, at the ε and T of the
 * head. Reads any number of examples and keeps `limit` on each side. Each example costs one pass over the targets, which are
 * all in memory: pass a few hundred at most. Targets of a class that is not in the set are ignored; an example that is the only
 * one of its class cannot be compared and is left out. Both lists are empty where the set cannot separate classes. Errors:
 * head-not-ready for an empty set, sample-incomplete, statistics-mismatch.
 */
export function rankInfluences(
  set: TrainingSet,
  examples: Iterable<LabelledVector>,
  targets: readonly InfluenceTarget[],
  { limit = 20, head }: InfluenceOptions = {},
): InfluenceRanking {
  const byId = (a: ExampleInfluence, b: ExampleInfluence) => compareUtf8(a.imageId, b.imageId);
  const helpful = new BoundedRanking<ExampleInfluence>(
    limit,
    (a, b) => b.influence - a.influence || byId(a, b),
  );
  const harmful = new BoundedRanking<ExampleInfluence>(
    limit,
    (a, b) => a.influence - b.influence || byId(a, b),
  );
  const space = openDiscriminantSpace(set, head);
  if (space !== null) {
    const view = viewTargets(space, targets);
    for (const part of batchesOf(examples, partSize)) {
      for (const one of measurePart(space, view, part)) {
        if (one.influence > 0) helpful.add(one);
        if (one.influence < 0) harmful.add(one);
      }
    }
  }
  return { helpful: helpful.list(), harmful: harmful.list() };
}

interface TargetView {
  readonly imageIds: readonly string[];
  readonly labels: Int32Array;
  readonly vectors: readonly Whitened[];
  readonly means: readonly Whitened[];
  /** |z_j − m_k|² of targets × classes. */
  readonly squares: Float64Array;
  /** −ln p of each target, with all examples. */
  readonly losses: Float64Array;
}

function viewTargets(space: DiscriminantSpace, targets: readonly InfluenceTarget[]): TargetView {
  const known = targets.filter(({ label }) => space.classes.includes(label));
  const { means, vectors } = space.whiten(known.map(({ vector }) => vector));
  const labels = Int32Array.from(known, ({ label }) => space.classes.indexOf(label));
  const squares = Float64Array.from(
    vectors.flatMap(({ whitened }) => means.map((mean) => squaredDistance(whitened, mean.whitened))),
  );
  const classes = means.length;
  const losses = Float64Array.from(labels, (label, j) => {
    const distances = Float64Array.from(space.counts, (count, k) => {
      return space.examples * (squares[j * classes + k] ?? 0) - space.effectiveDimensions / count;
    });
    return lossOf(distances, label, space.temperature);
  });
  return { imageIds: known.map(({ imageId }) => imageId), labels, vectors, means, squares, losses };
}

function measurePart(
  space: DiscriminantSpace,
  view: TargetView,
  examples: readonly LabelledVector[],
): ExampleInfluence[] {
  const part = space.whiten(examples.map(({ vector }) => vector));
  return examples.flatMap(({ imageId, label }, index) => {
    const removal = removeExample(space, part, index, space.classes.indexOf(label));
    if (removal === null) return [];
    let sum = 0;
    let counted = 0;
    for (const [target, id] of view.imageIds.entries()) {
      if (id === imageId) continue;
      sum += lossWithout(space, view, removal, target) - (view.losses[target] ?? 0);
      counted++;
    }
    return counted === 0 ? [] : [{ imageId, label, influence: sum / counted }];
  });
}

/**
 * Without x of class y, A' = A − g c u uᵀ with u = x − μ_y, c = n_y/(n_y − 1), g = 1 − ε (leave-one-out.ts): A'⁻¹ = A⁻¹ + gain
 * · A⁻¹u uᵀA⁻¹, gain = g c / (1 − g c uᵀA⁻¹u), and the mean of y moves by −u/(n_y − 1).
 */
interface Removal {
  readonly label: number;
  /** u, whitened. */
  readonly direction: Float64Array;
  /** uᵀA⁻¹u */
  readonly square: number;
  /** uᵀA⁻¹μ_k */
  readonly alongMeans: Float64Array;
  readonly gain: number;
  /** 1/(n_y − 1) */
  readonly step: number;
  readonly effectiveDimensions: number;
}

function removeExample(
  space: DiscriminantSpace,
  part: WhitenedPart,
  index: number,
  label: number,
): Removal | null {
  const count = space.counts[label] ?? 0;
  const [vector, mean] = [part.vectors[index], part.means[label]];
  if (count < 2 || vector === undefined || mean === undefined) return null;
  const direction = subtract(vector.whitened, mean.whitened, 1);
  const solved = subtract(vector.solved, mean.solved, 1);
  const square = dot(direction, direction);
  const c = count / (count - 1);
  const rest = 1 - (1 - space.epsilon) * c * square;
  if (!(rest > 0)) return null;
  return {
    label,
    direction,
    square,
    alongMeans: Float64Array.from(part.means, ({ whitened }) => dot(direction, whitened)),
    gain: ((1 - space.epsilon) * c) / rest,
    step: 1 / (count - 1),
    effectiveDimensions: space.effectiveDimensions - (space.ridge * c * dot(solved, solved)) / rest,
  };
}

function lossWithout(space: DiscriminantSpace, view: TargetView, removal: Removal, target: number): number {
  const { label, direction, square, alongMeans, gain, step, effectiveDimensions } = removal;
  const along = dot(direction, view.vectors[target]?.whitened ?? direction);
  const classes = space.counts.length;
  const distances = Float64Array.from(space.counts, (count, k) => {
    const gap = along - (alongMeans[k] ?? 0);
    const plain = view.squares[target * classes + k] ?? 0;
    const [toMean, product, left] =
      k === label
        ? [plain + 2 * step * gap + step * step * square, gap + step * square, count - 1]
        : [plain, gap, count];
    return (space.examples - 1) * (toMean + gain * product * product) - effectiveDimensions / left;
  });
  return lossOf(distances, view.labels[target] ?? 0, space.temperature);
}

/** −ln p(label) of the softmax of −½ d²/T, with a uniform prior. */
function lossOf(distances: Float64Array, label: number, temperature: number): number {
  const logits = distances.map((distance) => (-0.5 * distance) / temperature);
  const highest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - highest), 0);
  return highest + Math.log(sum) - (logits[label] ?? 0);
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  const difference = subtract(a, b, 1);
  return dot(difference, difference);
}
