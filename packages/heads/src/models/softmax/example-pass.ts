/**
 * Passes over all examples of a regression, a few at a time, which are copied to the kernel's memory. No second copy of all
 * examples exists.
 */
import type { Kernel } from '../../kernel/api.ts';
import { exampleBlockSize, type RegressionMemory } from '../../kernel/reference-regression.ts';

export class ExamplePass {
  readonly #vectors: readonly Int16Array[];
  readonly #width: number;
  readonly #rows: number;
  /** Number of rows, rounded up to a multiple of two. */
  readonly #stride: number;
  readonly #memory: RegressionMemory;

  /** For `rows` weight vectors, each `width` long (a multiple of four, at least that of the vectors). */
  constructor(kernel: Kernel, vectors: readonly Int16Array[], width: number, rows: number) {
    this.#vectors = vectors;
    this.#width = width;
    this.#rows = rows;
    this.#stride = Math.ceil(rows / 2) * 2;
    this.#memory = kernel.createRegression(width, this.#stride);
  }

  /** w_k · x_i + intercept_k, examples × rows; `weights` begins with the rows, one after the other. */
  score(weights: Float64Array, intercepts: Float64Array): Float64Array {
    const memory = this.#memory;
    memory.weights.set(weights.subarray(0, this.#rows * this.#width));
    const scores = new Float64Array(this.#vectors.length * this.#rows);
    for (let first = 0; first < this.#vectors.length; first += exampleBlockSize) {
      const count = this.#load(first);
      memory.score(Math.ceil(count / 4) * 4);
      for (let i = 0; i < count; i++) {
        const at = (first + i) * this.#rows;
        for (let k = 0; k < this.#rows; k++) {
          scores[at + k] = (memory.scores[i * this.#stride + k] ?? 0) + (intercepts[k] ?? 0);
        }
      }
    }
    return scores;
  }

  /** Σ residual_ik x_i for each row k; residuals are examples × rows. */
  gather(residuals: Float64Array): Float64Array {
    const memory = this.#memory;
    memory.gradient.fill(0);
    for (let first = 0; first < this.#vectors.length; first += exampleBlockSize) {
      const count = this.#load(first);
      memory.scores.fill(0);
      for (let i = 0; i < count; i++) {
        const at = (first + i) * this.#rows;
        memory.scores.set(residuals.subarray(at, at + this.#rows), i * this.#stride);
      }
      memory.gather(Math.ceil(count / 4) * 4);
    }
    return memory.gradient.slice(0, this.#rows * this.#width);
  }

  /** Loads examples from this one on; returns how many. */
  #load(first: number): number {
    const count = Math.min(exampleBlockSize, this.#vectors.length - first);
    for (let i = 0; i < count; i++) this.#memory.vectors.set(this.#vectors[first + i] ?? [], i * this.#width);
    return count;
  }
}
