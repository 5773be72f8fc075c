/** The sample in the form that the leave-one-out formulas need. */
import type { Whitened } from '../models/whitening.ts';

/** Vectors in the coordinates of `Whitening`, relative to a common center. */
export interface WhitenedSample {
  readonly epsilon: number;
  /** ρ: the value that shrinkage added to the diagonal. */
  readonly ridge: number;
  /** tr(W_ε⁻¹ W). */
  readonly effectiveDimensions: number;
  /** Number of examples in the whole set, and of each class. */
  readonly examples: number;
  readonly counts: Float64Array;
  readonly means: readonly Whitened[];
  readonly vectors: readonly Whitened[];
  /** Class index of each vector. */
  readonly labels: Int32Array;
  /** Group of each vector; a fold is a group, or an example without one. */
  readonly groups: readonly (string | null)[];
}
