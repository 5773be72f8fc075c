import type { RegressionMemory } from './reference-regression.ts';

/** Arrays passed to a kernel must come from its last `claim`. */
export interface Kernel {
  readonly name: 'simd' | 'reference';
  /** A Gram matrix of zeros; `width` is a multiple of four. */
  createGram(width: number): GramMemory;
  /** Signs of zeros; `columns` is a multiple of eight. */
  createProjection(rows: number, columns: number): Projection;
  /** Zeros; `width` is a multiple of four, `rows` of two. */
  createRegression(width: number, rows: number): RegressionMemory;
  /** Returns arrays of these lengths, with undefined content, in place of all arrays claimed before. */
  claim<const Lengths extends readonly number[]>(lengths: Lengths): { [K in keyof Lengths]: Float64Array };
  /** See elimination.ts. `scratch` has room for 32 × columns entries; rows and columns are multiples of four. */
  eliminate(matrix: Float64Array, rows: number, columns: number, scratch: Float64Array): boolean;
  /** `last` is also a multiple of four. */
  substituteBack(
    matrix: Float64Array,
    rows: number,
    columns: number,
    last: number,
    scratch: Float64Array,
  ): void;
  /** See reference-triangle.ts. `width` and `count` are multiples of four. */
  solveTransposed: SolveTriangle;
  solveUpper: SolveTriangle;
  /** See reference-scatter.ts. `width` and `columns` are multiples of four. */
  subtractProducts(
    matrix: Float64Array,
    width: number,
    columns: number,
    left: Float64Array,
    right: Float64Array,
    count: number,
  ): void;
  sumSquares(matrix: Float64Array, size: number, columns: number): number;
  shrinkInPlace(matrix: Float64Array, width: number, columns: number, scale: number, ridge: number): void;
  /** See reference-tridiagonal.ts. `size` is a multiple of four. */
  advance(
    entries: Float64Array,
    size: number,
    k: number,
    w: Float64Array | null,
    product: Float64Array | null,
  ): void;
  rotateLanes(reflectors: Float64Array, betas: Float64Array, size: number, lanes: Float64Array): void;
}

type SolveTriangle = (
  factor: Float64Array,
  width: number,
  columns: number,
  vectors: Float64Array,
  count: number,
) => void;

/** out = signs · vector, in int32. Each projection has its own memory. */
export interface Projection {
  /** rows × columns */
  readonly signs: Int16Array;
  readonly vector: Int16Array;
  readonly out: Int32Array;
  project(): void;
}

/** The part of a Gram matrix that a kernel provides: its memory, and the addition of vectors. */
export interface GramMemory {
  /** In the layout of gram.ts. */
  readonly entries: Float64Array;
  /** `maximumBlocks` blocks of packed vectors, one after the other, width × 16 values each. */
  readonly packed: Int16Array;
  /** entries ± Σ x xᵀ over the first blocks. */
  accumulate(blocks: number, negative: boolean): void;
}
