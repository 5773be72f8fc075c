/**
 * A head is a pure function of the labelled set, of the choices, and of the arithmetic that solves it. Heads of the same set are the same
 * bits only where the arithmetic is the same; so each kind's has a number, which goes with every head: whoever compares two heads
 * can tell a fault from an upgrade.
 */
import type { HeadKind } from '../api.ts';

/**
 * Raised by one with every change of a solver after which some set gives another digest than before, be it the last bit; a faster way to the
 * same bits keeps its number. head.test.ts has digests on record for each number. `softmax` starts from what `lda` computes: whoever raises
 * `lda` raises it too.
 */
const arithmetics: Readonly<Record<HeadKind, number>> = {
  /** 2: another ε than the guess needs evidence. */
  lda: 2,
  ridge: 1,
  ncm: 1,
  /**
   * 2: a regression of all examples that is held to the discriminant; before, one of the sample. 3: provisional heads take over the
   * discriminant's factor, and one step from there.
   */
  softmax: 3,
  /** Of all but the descent itself, whose bits are those of one machine; its digests are in heads/mlp.test.ts. */
  mlp: 1,
  knn: 1,
};

/** By which arithmetic this version solves heads of a kind: 1, 2, … */
export function arithmeticOf(kind: HeadKind): number {
  return arithmetics[kind];
}
