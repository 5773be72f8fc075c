/**
 * From exact sums to the within-class scatter of linear discriminant analysis: the first float64 that is not an integer. Every loop runs
 * in index order, classes in the order of their UTF-8 bytes.
 */
import { rowOffset, rowStart } from './gram.ts';
import type { Statistics } from './statistics.ts';

/** S = G − Σ s_k s_kᵀ / n_k, in units of the quantised vectors; over classes, it is n·W of the discriminant. */
export interface Scatter {
  readonly dimensions: number;
  readonly width: number;
  readonly examples: number;
  /** width × width, row by row; only the upper triangle counts. */
  readonly entries: Float64Array;
  readonly trace: number;
  /** Sum of the squares of all D² entries. */
  readonly squares: number;
  /** tr G: the sum of squares before means are taken out. */
  readonly total: number;
}

/** Σ x and n of a part of the examples. */
export interface PartialSum {
  readonly sum: Float64Array;
  readonly count: number;
}

/** One part for each class: what is left is the scatter within classes. */
export function sumsOfClasses(statistics: Statistics): PartialSum[] {
  return statistics.classes.map((label) => ({ sum: statistics.sum(label), count: statistics.count(label) }));
}

/** All examples in one part: what is left is the scatter around the mean of all. */
export function sumOfAll(statistics: Statistics): PartialSum[] {
  const sum = new Float64Array(statistics.width);
  for (const label of statistics.classes) {
    const own = statistics.sum(label);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (own[i] ?? 0);
  }
  return [{ sum, count: statistics.examples }];
}

/** G − Σ s sᵀ / n over the parts. */
export function computeScatter(statistics: Statistics, parts: readonly PartialSum[]): Scatter {
  const { dimensions, width, examples } = statistics;
  const entries = unpackGram(statistics.gram, width);
  let total = 0;
  for (let i = 0; i < dimensions; i++) total += entries[i * width + i] ?? 0;
  for (const { sum, count } of parts) subtractOuter(entries, width, sum, count);
  return { dimensions, width, examples, entries, total, ...measure(entries, width, dimensions) };
}

interface Traces {
  /** tr S of the scatter within classes. */
  readonly scatter: number;
  /** tr G. */
  readonly total: number;
}

/** Without the D² entries that are not on the diagonal. */
export function computeTrace(statistics: Statistics): Traces {
  const { gram, width } = statistics;
  const parts = sumsOfClasses(statistics);
  let total = 0;
  let scatter = 0;
  for (let i = 0; i < width; i++) {
    const square = gram[rowOffset(i, width) + i - rowStart(i)] ?? 0;
    let rest = square;
    for (const { sum, count } of parts) rest -= ((sum[i] ?? 0) / count) * (sum[i] ?? 0);
    total += square;
    scatter += rest;
  }
  return { scatter, total };
}

/** A scatter below this share of tr G is rounding noise: all examples of each class are the same. */
export function isFlat({ scatter, total }: Traces): boolean {
  return !(scatter > 1e-9 * total);
}

/** ρ = ε · tr(S)/D: what shrinkage adds to the diagonal. */
export function ridgeOf({ trace, dimensions }: Scatter, epsilon: number): number {
  return (epsilon * trace) / dimensions;
}

/** Writes A = (1 − ε) S + ρ I, of which the upper triangle counts, into the left part of a matrix with so many columns. */
export function shrink(scatter: Scatter, epsilon: number, columns: number, matrix: Float64Array): void {
  const { width, entries } = scatter;
  const ridge = ridgeOf(scatter, epsilon);
  for (let row = 0; row < width; row++) {
    const from = row * width;
    const to = row * columns;
    for (let j = row; j < width; j++) matrix[to + j] = (1 - epsilon) * (entries[from + j] ?? 0);
    matrix[to + row] = (matrix[to + row] ?? 0) + ridge;
  }
}

/**
 * The oracle approximating shrinkage ε (Chen, Wiesel, Eldar, Hero: Shrinkage Algorithms for MMSE Covariance Estimation, 2010, eq. 23),
 * between 0 and 1. Needs only tr W and tr W².
 */
export function estimateShrinkage(scatter: Scatter): number {
  const { dimensions: d, trace, squares, examples } = scatter;
  const numerator = (1 - 2 / d) * squares + trace * trace;
  const denominator = (examples + 1 - 2 / d) * (squares - (trace * trace) / d);
  return denominator > numerator ? numerator / denominator : 1;
}

function unpackGram(gram: Float64Array, width: number): Float64Array {
  const entries = new Float64Array(width * width);
  for (let row = 0; row < width; row++) {
    const start = rowStart(row);
    const at = rowOffset(row, width);
    entries.set(gram.subarray(at, at + width - start), row * width + start);
  }
  return entries;
}

function subtractOuter(entries: Float64Array, width: number, sum: Float64Array, count: number): void {
  for (let row = 0; row < width; row++) {
    const factor = (sum[row] ?? 0) / count;
    if (factor === 0) continue;
    for (let j = row; j < width; j++) {
      const at = row * width + j;
      entries[at] = (entries[at] ?? 0) - factor * (sum[j] ?? 0);
    }
  }
}

function measure(entries: Float64Array, width: number, dimensions: number) {
  let trace = 0;
  let squares = 0;
  for (let row = 0; row < dimensions; row++) {
    const diagonal = entries[row * width + row] ?? 0;
    trace += diagonal;
    squares += diagonal * diagonal;
    for (let j = row + 1; j < dimensions; j++) {
      const entry = entries[row * width + j] ?? 0;
      squares += 2 * entry * entry;
    }
  }
  return { trace, squares };
}
