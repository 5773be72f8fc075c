/**
 * A settled discriminant takes seconds, and a regression of the same set starts from it: whoever solves one head after the other keeps
 * what the last solve found, and the next one of the same set and choices does not solve it again. No bit depends on it.
 */
import type { TrainOptions } from '../api.ts';
import type { TrainedHead } from './head-family.ts';
import type { TrainingInput } from './training-problem.ts';

/** Parameters above this, as of thousands of classes, are rather solved again than kept. */
const mostBytes = 2 ** 24;

export class DiscriminantCache {
  #key: string | undefined;
  #discriminant: TrainedHead | undefined;

  /** The discriminant of this set and these choices: the one that was found last, or a new one. */
  discriminantOf(
    { setDigest, dimensions, lift }: TrainingInput,
    { mode, prior }: TrainOptions,
    solve: () => TrainedHead,
  ): TrainedHead {
    const key = JSON.stringify([setDigest, dimensions, lift, mode, prior]);
    if (this.#key === key && this.#discriminant !== undefined) return this.#discriminant;
    const solved = solve();
    const isKept = solved.parameters.length <= mostBytes;
    this.#key = isKept ? key : undefined;
    this.#discriminant = isKept ? solved : undefined;
    return solved;
  }
}
