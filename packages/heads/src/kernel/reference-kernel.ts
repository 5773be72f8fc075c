/** The kernel for engines without WebAssembly SIMD, and the reference for the SIMD kernel. */
import type { GramMemory, Kernel, Projection } from './api.ts';
import { eliminate, substituteBack } from './elimination.ts';
import { blockSize, gramLength, maximumBlocks, rowOffset, rowStart } from './gram.ts';
import { createReferenceRegression } from './reference-regression.ts';
import { shrinkInPlace, subtractProducts, sumSquares } from './reference-scatter.ts';
import { solveTransposed, solveUpper } from './reference-triangle.ts';
import { advance, rotateLanes } from './reference-tridiagonal.ts';

export const referenceKernel: Kernel = {
  name: 'reference',
  createGram: createReferenceGram,
  createProjection: createReferenceProjection,
  createRegression: createReferenceRegression,
  claim(lengths) {
    return lengths.map((length) => new Float64Array(length)) as { [K in keyof typeof lengths]: Float64Array };
  },
  eliminate,
  substituteBack,
  solveTransposed,
  solveUpper,
  subtractProducts,
  sumSquares,
  shrinkInPlace,
  advance,
  rotateLanes,
};

function createReferenceGram(width: number): GramMemory {
  const entries = new Float64Array(gramLength(width));
  const blockLength = width * blockSize;
  const packed = new Int16Array(maximumBlocks * blockLength);
  return {
    entries,
    packed,
    accumulate(blocks, negative) {
      for (let block = 0; block < blocks; block++) {
        const part = packed.subarray(block * blockLength, (block + 1) * blockLength);
        for (let row = 0; row < width; row++) addRow(entries, part, row, width, negative ? -1 : 1);
      }
    },
  };
}

function createReferenceProjection(rows: number, columns: number): Projection {
  const signs = new Int16Array(rows * columns);
  const vector = new Int16Array(columns);
  const out = new Int32Array(rows);
  return {
    signs,
    vector,
    out,
    project() {
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let i = 0; i < columns; i++) sum += (signs[row * columns + i] ?? 0) * (vector[i] ?? 0);
        out[row] = sum;
      }
    },
  };
}

/** Products of int16 are exact in float64, and so are sums of them. */
function addRow(entries: Float64Array, block: Int16Array, row: number, width: number, sign: number): void {
  const own = new Float64Array(blockSize);
  for (let pair = 0; pair < 8; pair++) {
    const from = (row >> 2) * 64 + (row & 3) * 2 + pair * 8;
    own[pair * 2] = block[from] ?? 0;
    own[pair * 2 + 1] = block[from + 1] ?? 0;
  }
  let at = rowOffset(row, width);
  for (let j = rowStart(row); j < width; j++) {
    const from = (j >> 2) * 64 + (j & 3) * 2;
    let sum = 0;
    for (let pair = 0; pair < 8; pair++) {
      sum += (own[pair * 2] ?? 0) * (block[from + pair * 8] ?? 0);
      sum += (own[pair * 2 + 1] ?? 0) * (block[from + pair * 8 + 1] ?? 0);
    }
    entries[at] = (entries[at] ?? 0) + sign * sum;
    at++;
  }
}
