/** The kernel in WebAssembly. Its source is in ../../assembly; a test compiles it again and compares. */
import { readFileSync } from 'node:fs';
import type { GramMemory, Kernel, Projection } from './api.ts';
import { blockSize, gramLength, maximumBlocks } from './gram.ts';
import { referenceKernel } from './reference-kernel.ts';
import { exampleBlockSize, type RegressionMemory } from './reference-regression.ts';
import { type WebAssemblyMemory, webAssembly } from './webassembly.ts';

interface SimdExports {
  accumulate(entries: number, packed: number, width: number, blocks: number, negative: number): void;
  project(signs: number, vector: number, out: number, rows: number, columns: number): void;
  eliminate(matrix: number, rows: number, columns: number, scratch: number): number;
  substituteBack(matrix: number, rows: number, columns: number, last: number, scratch: number): void;
  solveTransposed: SolveTriangle;
  solveUpper: SolveTriangle;
  subtractProducts(
    matrix: number,
    width: number,
    columns: number,
    left: number,
    right: number,
    count: number,
  ): void;
  sumSquares(matrix: number, size: number, columns: number): number;
  shrinkInPlace(matrix: number, width: number, columns: number, scale: number, ridge: number): void;
  advance(entries: number, size: number, k: number, w: number, product: number): void;
  rotateLanes(reflectors: number, betas: number, size: number, lanes: number): void;
  scoreExamples: PassOverExamples;
  gatherExamples: PassOverExamples;
}

type SolveTriangle = (factor: number, width: number, columns: number, vectors: number, count: number) => void;

type PassOverExamples = (
  vectors: number,
  wide: number,
  count: number,
  width: number,
  matrix: number,
  rows: number,
  out: number,
) => void;

interface Instance {
  readonly memory: WebAssemblyMemory;
  readonly run: SimdExports;
}

const pageBytes = 65536;
/** Stands for null, since arrays may begin at 0. */
const nowhere = -1;
/** Below this width, the cost of separate memory exceeds the gain of SIMD. */
const smallestWidth = 64;

/** Null where the engine has no WebAssembly or no SIMD. */
export function openSimdKernel(): Kernel | null {
  const engine = webAssembly;
  const bytes = readFileSync(new URL('../../wasm/kernel.wasm', import.meta.url));
  if (!engine?.validate(bytes)) return null;
  const compiled = new engine.Module(bytes);
  const instantiate = (pages: number): Instance => {
    const memory = new engine.Memory({ initial: pages });
    const { exports } = new engine.Instance(compiled, { env: { memory } });
    return { memory, run: exports as SimdExports };
  };
  const { memory, run } = instantiate(1);
  return {
    name: 'simd',
    createGram: (width) =>
      width < smallestWidth ? referenceKernel.createGram(width) : createSimdGram(instantiate, width),
    createProjection: (rows, columns) => createSimdProjection(instantiate, rows, columns),
    createRegression: (width, rows) => createSimdRegression(instantiate, width, rows),
    claim: (lengths) => claim(memory, lengths),
    eliminate: (matrix, rows, columns, scratch) =>
      run.eliminate(matrix.byteOffset, rows, columns, scratch.byteOffset) !== 0,
    substituteBack: (matrix, rows, columns, last, scratch) =>
      run.substituteBack(matrix.byteOffset, rows, columns, last, scratch.byteOffset),
    solveTransposed: (factor, width, columns, vectors, count) =>
      run.solveTransposed(factor.byteOffset, width, columns, vectors.byteOffset, count),
    solveUpper: (factor, width, columns, vectors, count) =>
      run.solveUpper(factor.byteOffset, width, columns, vectors.byteOffset, count),
    subtractProducts: (matrix, width, columns, left, right, count) =>
      run.subtractProducts(matrix.byteOffset, width, columns, left.byteOffset, right.byteOffset, count),
    sumSquares: (matrix, size, columns) => run.sumSquares(matrix.byteOffset, size, columns),
    shrinkInPlace: (matrix, width, columns, scale, ridge) =>
      run.shrinkInPlace(matrix.byteOffset, width, columns, scale, ridge),
    advance: (entries, size, k, w, product) =>
      run.advance(entries.byteOffset, size, k, w?.byteOffset ?? nowhere, product?.byteOffset ?? nowhere),
    rotateLanes: (reflectors, betas, size, lanes) =>
      run.rotateLanes(reflectors.byteOffset, betas.byteOffset, size, lanes.byteOffset),
  };
}

/** Arrays lie one after the other, each at a multiple of 64 bytes. The memory grows to the largest claim and never shrinks. */
function claim<const Lengths extends readonly number[]>(
  memory: WebAssemblyMemory,
  lengths: Lengths,
): { [K in keyof Lengths]: Float64Array } {
  const offsets = [0];
  for (const length of lengths) offsets.push(Math.ceil(((offsets.at(-1) ?? 0) + length * 8) / 64) * 64);
  const missing = (offsets.at(-1) ?? 0) - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
  const arrays = lengths.map((length, i) => new Float64Array(memory.buffer, offsets[i], length));
  return arrays as { [K in keyof Lengths]: Float64Array };
}

/** Each Gram matrix has its own memory, which is freed with the matrix. */
function createSimdGram(instantiate: (pages: number) => Instance, width: number): GramMemory {
  const packedBytes = maximumBlocks * width * blockSize * 2;
  const entriesBytes = gramLength(width) * 8;
  const { memory, run } = instantiate(Math.ceil((packedBytes + entriesBytes) / pageBytes));
  return {
    entries: new Float64Array(memory.buffer, packedBytes, gramLength(width)),
    packed: new Int16Array(memory.buffer, 0, packedBytes / 2),
    accumulate: (blocks, negative) => run.accumulate(packedBytes, 0, width, blocks, negative ? 1 : 0),
  };
}

/** Each projection has its own memory. */
function createSimdProjection(
  instantiate: (pages: number) => Instance,
  rows: number,
  columns: number,
): Projection {
  const vectorAt = rows * columns * 2;
  const outAt = vectorAt + columns * 2;
  const { memory, run } = instantiate(Math.ceil((outAt + rows * 4) / pageBytes));
  return {
    signs: new Int16Array(memory.buffer, 0, rows * columns),
    vector: new Int16Array(memory.buffer, vectorAt, columns),
    out: new Int32Array(memory.buffer, outAt, rows),
    project: () => run.project(0, vectorAt, outAt, rows, columns),
  };
}

/** Each regression has its own memory: vectors in int16 and in float64, weights, scores, gradient. */
function createSimdRegression(
  instantiate: (pages: number) => Instance,
  width: number,
  rows: number,
): RegressionMemory {
  const wideAt = exampleBlockSize * width * 2;
  const weightsAt = wideAt + exampleBlockSize * width * 8;
  const gradientAt = weightsAt + rows * width * 8;
  const scoresAt = gradientAt + rows * width * 8;
  const { memory, run } = instantiate(Math.ceil((scoresAt + exampleBlockSize * rows * 8) / pageBytes));
  return {
    vectors: new Int16Array(memory.buffer, 0, exampleBlockSize * width),
    weights: new Float64Array(memory.buffer, weightsAt, rows * width),
    gradient: new Float64Array(memory.buffer, gradientAt, rows * width),
    scores: new Float64Array(memory.buffer, scoresAt, exampleBlockSize * rows),
    score: (count) => run.scoreExamples(0, wideAt, count, width, weightsAt, rows, scoresAt),
    gather: (count) => run.gatherExamples(0, wideAt, count, width, scoresAt, rows, gradientAt),
  };
}
