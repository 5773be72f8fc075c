/** Both kernels must give the same bits, on sizes that include every edge of their blocks. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { main } from 'assemblyscript/asc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainHead } from '../models/head.ts';
import { unit } from '../numerics/quantization.ts';
import { tridiagonalize } from '../numerics/tridiagonal.ts';
import { ExactTrainingSet } from '../training-set/training-set.ts';
import type { Kernel } from './api.ts';
import { Gram, gramLength, rowOffset, rowStart } from './gram.ts';
import { scratchLength } from './kernel.ts';
import { referenceKernel } from './reference-kernel.ts';
import { exampleBlockSize } from './reference-regression.ts';
import { packedProductIndex } from './reference-scatter.ts';
import { openSimdKernel } from './simd-kernel.ts';

const simdKernel = openSimdKernel();
if (simdKernel === null) throw new Error('the engine that runs the tests has no WebAssembly SIMD');
const kernels: Kernel[] = [referenceKernel, simdKernel];

/** Numbers that are the same in each run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** [A | B] with A positive definite. */
function positiveDefinite(rows: number, columns: number): Float64Array {
  const random = randomNumbers(rows * 1000 + columns);
  const matrix = Float64Array.from({ length: rows * columns }, () => random() - 0.5);
  for (let i = 0; i < rows; i++) matrix[i * columns + i] = rows * (1 + random());
  return matrix;
}

const sizes = [4, 28, 32, 36, 64, 100, 132];

describe('the Gram matrix', () => {
  const widths = [64, 68, 100];
  it.each(widths)('equals the sum in BigInt at the largest values, %i wide', (width) => {
    const random = randomNumbers(width);
    const extremes = [-11585, 11585, -unit, unit, 0, 1, -1];
    const vectors = Array.from({ length: 150 }, (_, n) =>
      Int16Array.from({ length: width }, () => (n < 70 ? 11585 : (extremes[Math.floor(random() * 7)] ?? 0))),
    );
    for (const kernel of kernels) {
      const gram = new Gram(width, kernel);
      vectors.forEach((vector, i) => {
        gram.add(vector, false);
        if (i % 50 === 49) expect(gram.entries).toHaveLength(gramLength(width));
      });
      for (const vector of vectors.slice(60, 80)) gram.add(vector, true);
      const left = [...vectors.slice(0, 60), ...vectors.slice(80)];
      for (let i = 0; i < width; i += 7) {
        for (let j = i; j < width; j += 5) {
          const exact = left.reduce((sum, x) => sum + BigInt(x[i] ?? 0) * BigInt(x[j] ?? 0), 0n);
          expect(BigInt(gram.entries[rowOffset(i, width) + j - rowStart(i)] ?? Number.NaN)).toBe(exact);
        }
      }
    }
  });

  it.each(widths)('has the same entries with both kernels, %i wide', (width) => {
    const random = randomNumbers(width);
    const grams = kernels.map((kernel) => new Gram(width, kernel));
    for (let n = 0; n < 200; n++) {
      const vector = Int16Array.from({ length: width }, () => Math.round((random() * 2 - 1) * 11585));
      for (const gram of grams) gram.add(vector, n % 9 === 8);
    }
    expect(grams[1]?.entries).toEqual(grams[0]?.entries);
  });
});

describe('elimination and substitution', () => {
  it.each(sizes.flatMap((rows) => [0, 4, 48].map((more) => [rows, rows + more])))(
    'give the same bits with both kernels, %i × %i',
    (rows, columns) => {
      const original = positiveDefinite(rows, columns);
      const results = kernels.map((kernel) => {
        const [matrix, scratch] = kernel.claim([rows * columns, scratchLength(columns)]);
        matrix.set(original);
        expect(kernel.eliminate(matrix, rows, columns, scratch)).toBe(true);
        const eliminated = upperPart(matrix, rows, columns);
        kernel.substituteBack(matrix, rows, columns, columns, scratch);
        return [eliminated, upperPart(matrix, rows, columns)];
      });
      expect(results[1]).toEqual(results[0]);
      expectSolved(original, results[0]?.[1] ?? [], rows, columns);
    },
  );

  it('fail for a matrix that is not positive definite', () => {
    for (const kernel of kernels) {
      for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        const [matrix, scratch] = kernel.claim([40 * 40, scratchLength(40)]);
        matrix.set(positiveDefinite(40, 40));
        matrix[37 * 40 + 37] = bad;
        expect(kernel.eliminate(matrix, 40, 40, scratch)).toBe(false);
      }
    }
  });
});

describe('elimination and substitution of some columns', () => {
  it.each(sizes)('leaves the others unchanged and gives the same bits for these, %i wide', (rows) => {
    const columns = rows + 12;
    const results = kernels.flatMap((kernel) =>
      [rows + 4, columns].map((last) => {
        const [matrix, scratch] = kernel.claim([rows * columns, scratchLength(columns)]);
        matrix.set(positiveDefinite(rows, columns));
        kernel.eliminate(matrix, rows, columns, scratch);
        const before = matrix.slice();
        kernel.substituteBack(matrix, rows, columns, last, scratch);
        for (let row = 0; row < rows; row++) {
          const [from, to] = [row * columns + last, (row + 1) * columns];
          expect(matrix.subarray(from, to)).toEqual(before.subarray(from, to));
        }
        return Array.from({ length: rows }, (_, i) =>
          matrix.slice(i * columns + rows, i * columns + rows + 4),
        );
      }),
    );
    for (const result of results) expect(result).toEqual(results[0]);
  });
});

describe('forming a scatter', () => {
  it.each(sizes.flatMap((width) => [1, 3, 16].map((count) => ({ width, count }))))(
    'gives the same entries with both kernels, $width wide, $count parts',
    ({ width, count }) => {
      const columns = width + 8;
      const random = randomNumbers(width + count);
      const numbers = (length: number) => Float64Array.from({ length }, () => random() - 0.5);
      const [original, left, right] = [
        numbers(width * columns),
        numbers(count * width),
        numbers(count * width),
      ];
      const results = kernels.map((kernel) => {
        const [matrix, scratch] = kernel.claim([width * columns, scratchLength(columns)]);
        matrix.set(original);
        scratch.set(left);
        scratch.set(right, left.length);
        const sides = [
          scratch.subarray(0, left.length),
          scratch.subarray(left.length, 2 * left.length),
        ] as const;
        kernel.subtractProducts(matrix, width, columns, ...sides, count);
        const squares = kernel.sumSquares(matrix, width - 1, columns);
        const subtracted = upperPart(matrix, width, columns);
        kernel.shrinkInPlace(matrix, width, columns, 0.7, 3);
        return { squares, subtracted, shrunk: upperPart(matrix, width, columns) };
      });
      expect(results[1]).toEqual(results[0]);
      const [i, j] = [width >> 1, width - 1];
      const sum = Array.from({ length: count }, (_, k) => {
        const [a, b] = [packedProductIndex(i, k, count), packedProductIndex(j, k, count)];
        return (left[a] ?? 0) * (right[b] ?? 0);
      }).reduce((total, product) => total + product);
      const expected = (original[i * columns + j] ?? 0) - sum;
      expect(results[0]?.subtracted[i]?.[j - i]).toBeCloseTo(expected, 12);
      expect(results[0]?.shrunk[i]?.[0]).toBeCloseTo(0.7 * (results[0]?.subtracted[i]?.[0] ?? 0) + 3, 12);
    },
  );
});

function upperPart(matrix: Float64Array, rows: number, columns: number): number[][] {
  return Array.from({ length: rows }, (_, i) => [...matrix.subarray(i * columns + i, (i + 1) * columns)]);
}

/** A X = B */
function expectSolved(original: Float64Array, solution: number[][], rows: number, columns: number): void {
  const entry = (i: number, j: number) => original[Math.min(i, j) * columns + Math.max(i, j)] ?? 0;
  for (let column = rows; column < columns; column += 3) {
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < rows; j++) sum += entry(i, j) * (solution[j]?.[column - j] ?? 0);
      expect(sum).toBeCloseTo(original[i * columns + column] ?? 0, 10);
    }
  }
}

describe('the tridiagonal form', () => {
  it.each(sizes)('has the same bits with both kernels, %i wide', (size) => {
    const random = randomNumbers(size);
    const symmetric = Float64Array.from({ length: size * size }, () => random() - 0.5);
    // One row that needs no reflection.
    if (size > 4) symmetric.fill(0, 2 * size + 4, 3 * size);
    const results = kernels.map((kernel) => {
      const vectors = Array.from({ length: 6 }, (_, n) =>
        Float64Array.from({ length: size }, (__, i) => ((i * 7 + n) % 11) - 5),
      );
      const form = tridiagonalize(kernel, symmetric, size, vectors);
      return { form, vectors };
    });
    expect(results[1]).toEqual(results[0]);
    const trace = results[0]?.form.diagonal.reduce((a, b) => a + b) ?? 0;
    expect(trace).toBeCloseTo(
      Array.from({ length: size }, (_, i) => symmetric[i * size + i] ?? 0).reduce((a, b) => a + b),
      9,
    );
  });
});

describe('passes over examples', () => {
  it.each(sizes.flatMap((width) => [2, 6].map((rows) => ({ width, rows }))))(
    'give the same bits with both kernels, $rows rows, $width wide',
    ({ width, rows }) => {
      const random = randomNumbers(width + rows);
      const vectors = Int16Array.from(
        { length: exampleBlockSize * width },
        () => (random() - 0.5) * 2 * unit,
      );
      const numbers = (length: number) => Float64Array.from({ length }, () => random() - 0.5);
      const [weights, gradient] = [numbers(rows * width), numbers(rows * width)];
      const results = kernels.map((kernel) => {
        const memory = kernel.createRegression(width, rows);
        memory.vectors.set(vectors);
        memory.weights.set(weights);
        memory.gradient.set(gradient);
        memory.score(exampleBlockSize - 4);
        const scores = memory.scores.slice();
        memory.gather(exampleBlockSize - 4);
        return { scores, gathered: memory.gradient.slice() };
      });
      expect(results[1]).toEqual(results[0]);
      const at = (example: number, row: number) =>
        weights
          .subarray(row * width, (row + 1) * width)
          .reduce((sum, weight, j) => sum + weight * (vectors[example * width + j] ?? 0), 0);
      const { scores, gathered } = results[0] ?? { scores: weights, gathered: weights };
      expect(scores[5 * rows + 1]).toBeCloseTo(at(5, 1), 7);
      expect(scores[(exampleBlockSize - 4) * rows]).toBe(0);
      let sum = gradient[width + 3] ?? 0;
      for (let i = 0; i < exampleBlockSize - 4; i++) sum += at(i, 1) * (vectors[i * width + 3] ?? 0);
      expect((gathered[width + 3] ?? 0) / sum).toBeCloseTo(1, 9);
    },
  );
});

describe('a head', () => {
  const wide = 68;
  const item = fc.record({
    label: fc.constantFrom('a', 'b', 'c'),
    group: fc.option(fc.constantFrom('g', 'h'), { freq: 3 }),
    vector: fc.int16Array({ minLength: wide, maxLength: wide, min: -unit, max: unit }),
  });
  const sets = fc.array(item, { minLength: 1, maxLength: 40 });

  it.each(['provisional', 'settled'] as const)('has the same digest with both kernels, %s', (mode) => {
    fc.assert(
      fc.property(sets, fc.constantFrom('lda', 'ridge', 'ncm', 'softmax'), fc.nat(), (items, kind, seed) => {
        const heads = kernels.map((kernel, k) => {
          const set = new ExactTrainingSet({ extractor: 'e', task: 't', dimensions: wide }, kernel);
          const examples = items.map((each, i) => ({ ...each, imageId: `${i}` }));
          const first = k * (seed % examples.length);
          for (const example of [...examples.slice(first), ...examples.slice(0, first)]) set.add(example);
          return trainHead(set, { kind, mode });
        });
        expect(heads[1]).toEqual(heads[0]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the compiled kernel', () => {
  it('equals the compiled source', async () => {
    const root = path.resolve(import.meta.dirname, '../..');
    const written = new Map<string, Uint8Array>();
    const { error } = await main(['--config', 'asconfig.json', '--baseDir', path.join(root, 'assembly')], {
      writeFile: (name, contents) => {
        written.set(path.basename(name), Buffer.from(contents));
      },
    });
    expect(error).toBeNull();
    expect(written.get('kernel.wasm')).toEqual(readFileSync(path.join(root, 'wasm/kernel.wasm')));
  });
});
