/**
 * A settled discriminant takes seconds, and a regression of the same set starts from it. This cache keeps the last
 * discriminant, so that the next head of the same set and options does not solve it again. No bit depends on it.
 */
import type { TrainOptions } from '../api.ts';
import type { TrainedHead } from './head-family.ts';
import type { TrainingInput } from './training-problem.ts';

/** Larger parameters, as of thousands of classes, are not kept but solved again. */
const maximumBytes = 2 ** 24;

export class DiscriminantCache {
  #key: string | undefined;
  #discriminant: TrainedHead | undefined;

  /** The discriminant of this set and these options: the cached one, or a new one. */
  discriminantOf(
    { setDigest, dimensions, lift }: TrainingInput,
    { mode, prior }: TrainOptions,
    solve: () => TrainedHead,
  ): TrainedHead {
    const key = JSON.stringify([setDigest, dimensions, lift, mode, prior]);
    if (this.#key === key && this.#discriminant !== undefined) return this.#discriminant;
    const solved = solve();
    const isKept = solved.parameters.length <= maximumBytes;
    this.#key = isKept ? key : undefined;
    this.#discriminant = isKept ? solved : undefined;
    return solved;
  }
}
