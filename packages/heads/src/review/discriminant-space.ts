/**
 * Label errors and influence both need the head without one example. The discriminant gives this without new training, in the
 * coordinates in which its distances are plain sums of squares.
 */
import type { Head, LabelledVector, TrainingSet } from '../api.ts';
import { trainHead } from '../models/head.ts';
import { computeScatter, ridgeOf, type Scatter, sumsOfClasses } from '../models/scatter.ts';
import { prepareProblem, type TrainingProblem } from '../models/training-problem.ts';
import { type Whitened, whitenByCholesky } from '../models/whitening.ts';
import { type ExactTrainingSet, requireExactTrainingSet } from '../training-set/training-set.ts';

export interface DiscriminantSpace {
  readonly classes: readonly string[];
  readonly counts: Float64Array;
  /** Number of examples in the whole set. */
  readonly examples: number;
  readonly epsilon: number;
  readonly ridge: number;
  readonly effectiveDimensions: number;
  readonly temperature: number;
  /** Whitens class means, and vectors after them; the coordinates are the same at each call. */
  whiten(vectors: readonly Int16Array[]): WhitenedPart;
}

export interface WhitenedPart {
  readonly means: readonly Whitened[];
  readonly vectors: readonly Whitened[];
}

/**
 * The space of a set's discriminant, with ε and T of `head`. For a head of another kind, or none, a provisional one is trained
 * here. Null where the set cannot separate classes: with one class, or no scatter within classes.
 */
export function openDiscriminantSpace(set: TrainingSet, head?: Head): DiscriminantSpace | null {
  const options = { kind: 'lda', mode: 'provisional' } as const;
  const discriminant = head?.kind === 'lda' ? head : trainHead(set, options);
  const { regularization: epsilon, temperature, measurements } = discriminant;
  const { effectiveDimensions } = measurements;
  if (epsilon === null || effectiveDimensions === undefined) return null;
  const exact = requireExactTrainingSet(set);
  const problem = prepareProblem(exact, options);
  const scatter = computeScatter(problem.statistics, sumsOfClasses(problem.statistics));
  const { classes, counts, examples } = problem;
  return {
    classes,
    counts,
    examples,
    epsilon,
    ridge: ridgeOf(scatter, epsilon),
    effectiveDimensions,
    temperature,
    whiten: (vectors) => whiten(exact, problem, scatter, epsilon, vectors),
  };
}

function whiten(
  set: ExactTrainingSet,
  { kernel, means, center }: TrainingProblem,
  scatter: Scatter,
  epsilon: number,
  vectors: readonly Int16Array[],
): WhitenedPart {
  const centered = vectors.map((vector) => {
    const expanded = set.expand(vector);
    return center.map((value, i) => (expanded[i] ?? 0) - value);
  });
  const whitening = whitenByCholesky(kernel, scatter, epsilon, [...means, ...centered]);
  const all = whitening?.vectors ?? [];
  return { means: all.slice(0, means.length), vectors: all.slice(means.length) };
}

/** Splits examples into batches of about `size`. A contiguous group is not split unless it is larger than a batch. */
export function* batchesOf(examples: Iterable<LabelledVector>, size: number): Generator<LabelledVector[]> {
  let part: LabelledVector[] = [];
  for (const example of examples) {
    const last = part.at(-1);
    const isTogether = last !== undefined && last.group !== null && last.group === example.group;
    if (part.length >= (isTogether ? 2 * size : size)) {
      yield part;
      part = [];
    }
    part.push(example);
  }
  if (part.length > 0) yield part;
}
