/**
 * A head is a pure function of the training set, the options, and the arithmetic of its solver. Heads of the same set are
 * bit-identical only where the arithmetic is the same. Each head therefore carries the number of its kind's arithmetic, so that
 * a comparison can distinguish a fault from an upgrade.
 */
import type { HeadKind } from '../api.ts';

/**
 * Increased by one with every change of a solver after which any set gives another digest, even in the last bit; a faster way
 * to the same bits keeps its number. head.test.ts records digests for each number. `softmax` starts from the result of `lda`: a
 * change that increases `lda` increases it too.
 */
const arithmetics: Readonly<Record<HeadKind, number>> = {
  /** 2: the evidence needed for an ε other than the initial estimate. */
  lda: 2,
  ridge: 1,
  ncm: 1,
  /**
   * 2: a regression of all examples, centred on the discriminant, in place of one of the sample. 3: provisional heads reuse the
   * discriminant's factor, and take one step from there.
   */
  softmax: 3,
  /** Covers everything except the gradient descent, whose bits depend on the machine; its digests are in mlp/mlp.test.ts. */
  mlp: 1,
  knn: 1,
};

/** Number of the arithmetic with which this version trains heads of a kind: 1, 2, … */
export function arithmeticOf(kind: HeadKind): number {
  return arithmetics[kind];
}
