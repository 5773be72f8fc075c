/**
 * Labels come late or never; whether new images still look like the labelled ones can be asked at once. The novelty of an image is a
 * percentile among the labelled ones, so it is uniform while nothing has shifted, and leans to one where images are of a new kind.
 *
 * Each block of percentiles is asked once whether it leans upwards: the one-sided Kolmogorov–Smirnov distance D = sup_u (u − F(u)), F the
 * share of the block at or below u. For n independent uniform ones P(D > d) ≤ exp(−2 n d²), for every n (Massart 1990, where the bound
 * is below one half); the percentiles themselves rest on m labelled examples, which makes it a test of two samples: n m/(n + m) stands for n
 * (Smirnov 1939, for large blocks). Where nothing shifts, each block is a false alarm with a chance of at most α.
 */
import { HeadwaterError } from '@headwater/errors';

export interface NoveltyShiftOptions {
  /** Percentiles in a block, 10 to 100,000; default 200. */
  readonly block?: number;
  /** Chance of a false alarm in a block, in (0, 0.5]; default 0.001. */
  readonly alpha?: number;
}

/** What a full block showed. */
export interface NoveltyShiftVerdict {
  readonly shifted: boolean;
  /** D: 0.3 says that 30 % more images than expected are beyond some percentile. */
  readonly distance: number;
  /** What D has to exceed. */
  readonly threshold: number;
  /** The largest p-value that the bound allows: exp(−2 n D²). */
  readonly pValue: number;
  /** Mean percentile of the block; 0.5 while nothing has shifted. */
  readonly mean: number;
}

/** What JSON can carry. */
export interface NoveltyShiftState {
  readonly version: 1;
  readonly block: number;
  readonly alpha: number;
  /** Of the block under way. */
  readonly percentiles: readonly number[];
}

/** The mean percentile of images that are as new as what was learned. */
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
        `A block is ${smallestBlock} to ${largestBlock} images long, and alpha lies in (0, 0.5]`,
      );
    }
    this.#block = block;
    this.#alpha = alpha;
  }

  /**
   * Takes the novelty of the next image, a percentile in [0, 1] among `references` examples (as many as the head's percentiles rest on);
   * answers at the end of each block. Errors: RangeError.
   */
  update(percentile: number, references: number): NoveltyShiftVerdict | null {
    if (!(percentile >= 0 && percentile <= 1)) throw new RangeError('A percentile lies between 0 and 1');
    this.#percentiles.push(percentile);
    if (this.#percentiles.length < this.#block) return null;
    const block = this.#percentiles;
    this.#percentiles = [];
    return judgeBlock(block, references, this.#alpha);
  }

  /** Begins a new block, as when another head serves: its percentiles are others. */
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
