/**
 * Computes the within-class scatter of linear discriminant analysis from exact sums: the first step in non-integer float64.
 * Every loop runs in index order, classes in the order of their UTF-8 bytes.
 */
import type { Kernel } from '../kernel/api.ts';
import { rowOffset, rowStart } from '../kernel/gram.ts';
import { scratchLength } from '../kernel/kernel.ts';
import { packedProductIndex } from '../kernel/reference-scatter.ts';
import type { ReadonlyStatistics } from '../training-set/sufficient-statistics.ts';

/** S = G − Σ s_k s_kᵀ / n_k, in units of the quantised vectors; over classes, it is n·W of the discriminant. */
export interface Scatter {
  readonly dimensions: number;
  readonly width: number;
  readonly examples: number;
  /** width × width, row by row, each row at a multiple of `columns`; only the upper triangle is valid. */
  readonly entries: Float64Array;
  readonly columns: number;
  readonly trace: number;
  /** Sum of the squares of all D² entries. */
  readonly squares: number;
  /** tr G: the sum of squares before means are subtracted. */
  readonly total: number;
}

/** Σ x and n of a part of the examples. */
interface PartialSum {
  readonly sum: Float64Array;
  readonly count: number;
}

/** One part for each class, which gives the scatter within classes. */
export function sumsOfClasses(statistics: ReadonlyStatistics): PartialSum[] {
  return statistics.classes.map((label) => ({ sum: statistics.sum(label), count: statistics.count(label) }));
}

/** All examples in one part, which gives the scatter around the overall mean. */
export function sumOfAll(statistics: ReadonlyStatistics): PartialSum[] {
  const sum = new Float64Array(statistics.width);
  for (const label of statistics.classes) {
    const own = statistics.sum(label);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (own[i] ?? 0);
  }
  return [{ sum, count: statistics.examples }];
}

/** The mean of all vectors, padded. */
export function centerOf(statistics: ReadonlyStatistics): Float64Array {
  const [all] = sumOfAll(statistics);
  return (all?.sum ?? new Float64Array(statistics.width)).map((value) => value / statistics.examples);
}

/** A scatter in the kernel's memory, with free columns and scratch space, valid until the kernel's next claim. */
export interface FormedScatter extends Scatter {
  readonly scratch: Float64Array;
}

/** Parts that are subtracted together; the scratch holds both sides of this many. */
const partsTogether = 16;

/** G − Σ s sᵀ / n over the parts, in a matrix with this many columns, a multiple of four and at least the width. */
export function formScatter(
  statistics: ReadonlyStatistics,
  parts: readonly PartialSum[],
  columns: number,
): FormedScatter {
  const { dimensions, width, examples, kernel } = statistics;
  const [entries, scratch] = kernel.claim([width * columns, scratchLength(columns)]);
  unpackGram(statistics.gram, width, entries, columns);
  const total = sumDiagonal(entries, dimensions, columns);
  for (let first = 0; first < parts.length; first += partsTogether) {
    subtractParts(kernel, parts.slice(first, first + partsTogether), { width, columns, entries, scratch });
  }
  const trace = sumDiagonal(entries, dimensions, columns);
  const squares = kernel.sumSquares(entries, dimensions, columns);
  return { dimensions, width, examples, columns, entries, scratch, total, trace, squares };
}

/** The same scatter in its own memory. */
export function computeScatter(statistics: ReadonlyStatistics, parts: readonly PartialSum[]): Scatter {
  const { scratch: _, ...formed } = formScatter(statistics, parts, statistics.width);
  return { ...formed, entries: formed.entries.slice() };
}

interface Traces {
  /** tr S of the scatter within classes. */
  readonly scatter: number;
  /** tr G. */
  readonly total: number;
}

/** Computes the traces from the diagonal alone, without the other entries. */
export function computeTrace(statistics: ReadonlyStatistics): Traces {
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

/** ρ = ε · tr(S)/D, which shrinkage adds to the diagonal. */
export function ridgeOf({ trace, dimensions }: Scatter, epsilon: number): number {
  return (epsilon * trace) / dimensions;
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

function unpackGram(gram: Float64Array, width: number, entries: Float64Array, columns: number): void {
  for (let row = 0; row < width; row++) {
    const start = rowStart(row);
    const at = rowOffset(row, width);
    entries.set(gram.subarray(at, at + width - start), row * columns + start);
  }
}

function subtractParts(
  kernel: Kernel,
  parts: readonly PartialSum[],
  { width, columns, entries, scratch }: Pick<FormedScatter, 'width' | 'columns' | 'entries' | 'scratch'>,
): void {
  const left = scratch.subarray(0, parts.length * width);
  const right = scratch.subarray(left.length, 2 * left.length);
  parts.forEach(({ sum, count }, k) => {
    for (let i = 0; i < width; i++) {
      const at = packedProductIndex(i, k, parts.length);
      left[at] = (sum[i] ?? 0) / count;
      right[at] = sum[i] ?? 0;
    }
  });
  kernel.subtractProducts(entries, width, columns, left, right, parts.length);
}

function sumDiagonal(entries: Float64Array, dimensions: number, columns: number): number {
  let sum = 0;
  for (let i = 0; i < dimensions; i++) sum += entries[i * columns + i] ?? 0;
  return sum;
}
