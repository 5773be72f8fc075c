/**
 * The factor of a covariance, with which a regression converts between the two kinds of coordinates. It stays in the kernel's
 * memory, and is valid until the kernel's next claim: a copy would take longer than a solve.
 */
import type { Kernel } from '../kernel/api.ts';

interface CholeskyFactorMemory {
  readonly kernel: Kernel;
  /** In the layout of `Kernel.eliminate`: rows that are `columns` apart. */
  readonly entries: Float64Array;
  readonly columns: number;
  readonly width: number;
  /** From the same claim, with room for vectors: at least 4 × width. */
  readonly scratch: Float64Array;
}

/** U of UᵀU, which is scale² · A where the kernel has factored A. */
export class CholeskyFactor {
  readonly #memory: CholeskyFactorMemory;
  readonly #scale: number;

  constructor(memory: CholeskyFactorMemory, scale = 1) {
    this.#memory = memory;
    this.#scale = scale;
  }

  /** U⁻ᵀ g in place, of vectors that lie one after the other: a gradient in coordinates where UᵀU is the identity. */
  solveTransposed(vectors: Float64Array): void {
    const { kernel, entries, width, columns } = this.#memory;
    this.#inFew(vectors, (few, count) => kernel.solveTransposed(entries, width, columns, few, count));
  }

  /** U⁻¹ v in place: from these coordinates back to weights. */
  solveUpper(vectors: Float64Array): void {
    const { kernel, entries, width, columns } = this.#memory;
    this.#inFew(vectors, (few, count) => kernel.solveUpper(entries, width, columns, few, count));
  }

  /** Processes as many vectors at a time as fit, in multiples of four; missing ones are zero. */
  #inFew(vectors: Float64Array, solve: (few: Float64Array, count: number) => void): void {
    const { width, scratch } = this.#memory;
    const few = Math.floor(scratch.length / width / 4) * 4 * width;
    for (let start = 0; start < vectors.length; start += few) {
      const part = vectors.subarray(start, start + few);
      const count = Math.ceil(part.length / width / 4) * 4;
      scratch.set(part);
      scratch.fill(0, part.length, count * width);
      solve(scratch, count);
      for (let i = 0; i < part.length; i++) part[i] = (scratch[i] ?? 0) / this.#scale;
    }
  }
}
