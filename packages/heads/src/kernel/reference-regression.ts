/**
 * The two passes over the examples that a regression repeats, in TypeScript: from rows of weights to scores of the examples,
 * and from residuals of the examples to the gradient of the weights. A few examples at a time, which stay in the cache while
 * all rows use them.
 */

/** Examples that are processed together; a multiple of four. */
export const exampleBlockSize = 16;

/** What a kernel provides for a regression: memory for a few examples, and the passes over them. */
export interface RegressionMemory {
  /** `exampleBlockSize` × width */
  readonly vectors: Int16Array;
  /** rows × width */
  readonly weights: Float64Array;
  /** Scores, or residuals: `exampleBlockSize` × rows */
  readonly scores: Float64Array;
  /** rows × width */
  readonly gradient: Float64Array;
  /** scores = vectors · weightsᵀ of the first `count` examples, a multiple of four: even columns in their order, odd ones, then their sum. */
  score(count: number): void;
  /** gradient += scoresᵀ · vectors of the first `count` examples, a multiple of four, one after the other. */
  gather(count: number): void;
}

export function createReferenceRegression(width: number, rows: number): RegressionMemory {
  const memory = {
    vectors: new Int16Array(exampleBlockSize * width),
    weights: new Float64Array(rows * width),
    scores: new Float64Array(exampleBlockSize * rows),
    gradient: new Float64Array(rows * width),
  };
  return {
    ...memory,
    score(count) {
      for (let at = 0; at < count * rows; at++) {
        const vector = memory.vectors.subarray(Math.floor(at / rows) * width);
        memory.scores[at] = scoreOf(vector, memory.weights.subarray((at % rows) * width), width);
      }
    },
    gather(count) {
      for (let at = 0; at < count * rows; at++) {
        const vector = memory.vectors.subarray(Math.floor(at / rows) * width);
        addTo(memory.gradient.subarray((at % rows) * width), vector, memory.scores[at] ?? 0, width);
      }
    },
  };
}

function scoreOf(vector: Int16Array, weights: Float64Array, width: number): number {
  let even = 0;
  let odd = 0;
  for (let j = 0; j < width; j += 2) {
    even += (weights[j] ?? 0) * (vector[j] ?? 0);
    odd += (weights[j + 1] ?? 0) * (vector[j + 1] ?? 0);
  }
  return even + odd;
}

function addTo(gradient: Float64Array, vector: Int16Array, residual: number, width: number): void {
  for (let j = 0; j < width; j++) gradient[j] = (gradient[j] ?? 0) + residual * (vector[j] ?? 0);
}
