/**
 * Detects changes in a stream of errors. ADWIN keeps the longest window that is consistent with one mean and reports when it
 * cuts the window; no window length has to be chosen beforehand.
 *
 * ADWIN2 of Bifet and Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing" (SDM 2007): the window is an
 * exponential histogram of at most 6 buckets for each power of two, so that memory is O(log n). It is cut between two buckets
 * where the means of both sides differ by more than ε = √(2/m · σ² · ln(2/δ')) + 2/(3m) · ln(2/δ'), with 1/m = 1/n₀ + 1/n₁, σ²
 * the variance in the window and δ' = δ / ln n. At each check of a stream that does not change, the probability of a cut is at
 * most about δ.
 */
import { HeadwaterError } from '@headwater/errors';

export interface AdwinOptions {
  /** Probability of a false alarm at a check, in (0, 1); default 0.002. */
  readonly delta?: number;
  /** Number of values between two checks; default 32. */
  readonly clock?: number;
}

/** The window was cut: the part that was dropped, and the part that remains. */
export interface AdwinChange {
  readonly direction: 'rose' | 'fell';
  /** Mean of the dropped part. */
  readonly from: number;
  /** Mean of the remaining window. */
  readonly to: number;
  /** Number of oldest values that were dropped. */
  readonly dropped: number;
  /** Number of remaining values. */
  readonly width: number;
  /** The dropped values are older than the last cut: a more exact estimate of the same change. Raise one alarm for both. */
  readonly continues: boolean;
}

/** JSON-serializable state. */
export interface AdwinState {
  readonly version: 1;
  readonly delta: number;
  readonly clock: number;
  readonly seen: number;
  /** Number of values seen at the last cut. */
  readonly lastCut: number;
  /** Oldest first: number of values, their sum, their sum of squared deviations from their mean. */
  readonly buckets: readonly (readonly [size: number, total: number, deviations: number])[];
}

interface Bucket {
  readonly size: number;
  readonly total: number;
  readonly deviations: number;
}

const bucketsOfASize = 5;
/** Minimum number of values on each side of a cut. */
const smallestSide = 5;
const empty: Bucket = { size: 0, total: 0, deviations: 0 };

export class Adwin {
  readonly #delta: number;
  readonly #clock: number;
  /** Oldest first; sizes are powers of two that never grow towards the newest. */
  #buckets: Bucket[] = [];
  #seen = 0;
  #lastCut = 0;

  /** Errors: config-invalid. */
  constructor({ delta = 0.002, clock = 32 }: AdwinOptions = {}) {
    if (!(delta > 0 && delta < 1 && Number.isInteger(clock) && clock >= 1)) {
      throw new HeadwaterError(
        'config-invalid',
        'ADWIN requires delta in (0, 1) and a positive integer clock',
      );
    }
    this.#delta = delta;
    this.#clock = clock;
  }

  /** Values in the window. */
  get width(): number {
    return this.#window().size;
  }

  /** Mean of the window; null while it is empty. */
  get mean(): number | null {
    const { size, total } = this.#window();
    return size === 0 ? null : total / size;
  }

  /** Adds the next value, in [0, 1]; returns the change where this value led to a cut of the window. Errors: RangeError. */
  update(value: number): AdwinChange | null {
    if (!(value >= 0 && value <= 1)) throw new RangeError('ADWIN values must be in [0, 1]');
    this.#buckets.push({ size: 1, total: value, deviations: 0 });
    this.#compress();
    this.#seen++;
    return this.#seen % this.#clock === 0 ? this.#shrink() : null;
  }

  state(): AdwinState {
    return {
      version: 1,
      delta: this.#delta,
      clock: this.#clock,
      seen: this.#seen,
      lastCut: this.#lastCut,
      buckets: this.#buckets.map(({ size, total, deviations }) => [size, total, deviations]),
    };
  }

  static fromState(state: AdwinState): Adwin {
    const adwin = new Adwin(state);
    adwin.#seen = state.seen;
    adwin.#lastCut = state.lastCut;
    adwin.#buckets = state.buckets.map(([size, total, deviations]) => ({ size, total, deviations }));
    return adwin;
  }

  #window(): Bucket {
    return this.#buckets.reduce(join, empty);
  }

  /** Where there are too many buckets of one size, merges the two oldest of them into one of the next size. */
  #compress(): void {
    const buckets = this.#buckets;
    let end = buckets.length;
    while (end > 0) {
      const size = buckets[end - 1]?.size;
      let start = end;
      while (start > 0 && buckets[start - 1]?.size === size) start--;
      if (end - start <= bucketsOfASize) return;
      buckets.splice(start, 2, join(buckets[start] ?? empty, buckets[start + 1] ?? empty));
      end = start + 1;
    }
  }

  /** Drops the oldest bucket as long as there is a cut whose sides differ. */
  #shrink(): AdwinChange | null {
    let dropped = empty;
    for (let window = this.#window(); this.#findCut(window); window = this.#window()) {
      dropped = join(dropped, this.#buckets.shift() ?? empty);
    }
    if (dropped.size === 0) return null;
    const { size, total } = this.#window();
    const continues = this.#seen - size <= this.#lastCut;
    this.#lastCut = this.#seen;
    const [from, to] = [dropped.total / dropped.size, total / size];
    const direction = to > from ? 'rose' : 'fell';
    return { direction, from, to, dropped: dropped.size, width: size, continues };
  }

  #findCut({ size, total, deviations }: Bucket): boolean {
    const confidence = Math.log((2 * Math.log(size)) / this.#delta);
    const variance = deviations / size;
    let older = 0;
    let olderTotal = 0;
    for (const bucket of this.#buckets) {
      older += bucket.size;
      olderTotal += bucket.total;
      const newer = size - older;
      if (newer < smallestSide) return false;
      if (older < smallestSide) continue;
      const difference = Math.abs(olderTotal / older - (total - olderTotal) / newer);
      const inverse = 1 / older + 1 / newer;
      const limit = Math.sqrt(2 * inverse * variance * confidence) + (2 / 3) * inverse * confidence;
      if (difference > limit) return true;
    }
    return false;
  }
}

/** Merges the sums of squared deviations of two parts (Chan, Golub and LeVeque 1979). */
function join(a: Bucket, b: Bucket): Bucket {
  if (a.size === 0) return b;
  const size = a.size + b.size;
  const gap = a.total / a.size - b.total / b.size;
  return {
    size,
    total: a.total + b.total,
    deviations: a.deviations + b.deviations + (gap * gap * a.size * b.size) / size,
  };
}
