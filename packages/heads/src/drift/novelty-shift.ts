/**
 * Labels may come late or never, but a shift of the images can be tested at once. The novelty of an image is a percentile among
 * the labelled ones: it is uniform without a shift, and closer to one where images are of a new kind.
 *
 * Each block of percentiles is tested once for an upward shift: the one-sided Kolmogorov–Smirnov distance D = sup_u (u − F(u)),
 * F the share of the block at or below u. For n independent uniform percentiles P(D > d) ≤ exp(−2 n d²), for every n (Massart
 * 1990, where the bound is below one half). The percentiles themselves come from m labelled examples, which makes it a
 * two-sample test: n m/(n + m) replaces n (Smirnov 1939, for large blocks). Without a shift, each block is a false alarm with a
 * probability of at most α.
 */
import { HeadwaterError } from '@headwater/errors';

export interface NoveltyShiftOptions {
  /** Percentiles per block, 10 to 100,000; default 200. */
  readonly block?: number;
  /** Probability of a false alarm in a block, in (0, 0.5]; default 0.001. */
  readonly alpha?: number;
}

/** The result of a full block. */
export interface NoveltyShiftVerdict {
  readonly shifted: boolean;
  /** D: 0.3 means that 30 % more images than expected are beyond some percentile. */
  readonly distance: number;
  /** An alarm needs a larger D. */
  readonly threshold: number;
  /** The largest p-value that the bound allows: exp(−2 n D²). */
  readonly pValue: number;
  /** Mean percentile of the block; 0.5 without a shift. */
  readonly mean: number;
}

/** JSON-serializable state. */
export interface NoveltyShiftState {
  readonly version: 1;
  readonly block: number;
  readonly alpha: number;
  /** Percentiles of the current block. */
  readonly percentiles: readonly number[];
}

/** The mean percentile of images from the distribution of the training set. */
export const expectedPercentile = 0.5;
const smallestBlock = 10;
const largestBlock = 100_000;

export class NoveltyShift {
  readonly #block: number;
  readonly #alpha: number;
  #percentiles: number[] = [];

  /** Errors: config-invalid. */
  constructor({ block = 200, alpha = 0.001 }: NoveltyShiftOptions = {}) {
    const fits = Number.isInteger(block) && block >= smallestBlock && block <= largestBlock;
    if (!(fits && alpha > 0 && alpha <= 0.5)) {
      throw new HeadwaterError(
        'config-invalid',
        `block must be ${smallestBlock} to ${largestBlock} images, and alpha in (0, 0.5]`,
      );
    }
    this.#block = block;
    this.#alpha = alpha;
  }

  /**
   * Adds the novelty of the next image, a percentile in [0, 1] among `references` examples (as many as the head's percentiles
   * come from). Returns a verdict at the end of each block, else null. Errors: RangeError.
   */
  update(percentile: number, references: number): NoveltyShiftVerdict | null {
    if (!(percentile >= 0 && percentile <= 1)) throw new RangeError('percentile must be in [0, 1]');
    this.#percentiles.push(percentile);
    if (this.#percentiles.length < this.#block) return null;
    const block = this.#percentiles;
    this.#percentiles = [];
    return judgeBlock(block, references, this.#alpha);
  }

  /** Begins a new block, for example when another head serves: percentiles of different heads are not comparable. */
  reset(): void {
    this.#percentiles = [];
  }

  state(): NoveltyShiftState {
    return { version: 1, block: this.#block, alpha: this.#alpha, percentiles: [...this.#percentiles] };
  }

  static fromState(state: NoveltyShiftState): NoveltyShift {
    const shift = new NoveltyShift(state);
    shift.#percentiles = [...state.percentiles];
    return shift;
  }
}

function judgeBlock(block: readonly number[], references: number, alpha: number): NoveltyShiftVerdict {
  const effective = (block.length * references) / (block.length + references);
  const distance = upwardDistance(block);
  const threshold = Math.sqrt(Math.log(1 / alpha) / (2 * effective));
  return {
    shifted: distance > threshold,
    distance,
    threshold,
    pValue: Math.exp(-2 * effective * distance * distance),
    mean: block.reduce((sum, value) => sum + value, 0) / block.length,
  };
}

/** sup_u (u − F(u)): just before each value, F is the share of values below it. */
function upwardDistance(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.reduce((largest, value, below) => Math.max(largest, value - below / sorted.length), 0);
}
