/**
 * The direction of L-BFGS: the latest steps and changes of the gradient approximate the curvature (Nocedal and Wright:
 * Numerical Optimization, 2006, algorithm 7.4).
 */
import { addScaled, dot } from './vector-arithmetic.ts';

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  /** stepᵀ change */
  readonly product: number;
}

export class LbfgsDirection {
  readonly #limit: number;
  #pairs: Pair[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Records a step and the change of the gradient along it. Steps without positive curvature are skipped. */
  update(step: Float64Array, change: Float64Array): void {
    const product = dot(step, change);
    if (!(product > 0)) return;
    this.#pairs.push({ step, change, product });
    if (this.#pairs.length > this.#limit) this.#pairs.shift();
  }

  /** The descent direction for this gradient. */
  direction(gradient: Float64Array): Float64Array {
    const direction = gradient.map((value) => -value);
    const newest = this.#pairs.at(-1);
    const shares = this.#pairs.map(() => 0);
    for (let i = this.#pairs.length - 1; i >= 0; i--) {
      const { step, change, product } = this.#pairs[i] as Pair;
      const share = dot(step, direction) / product;
      shares[i] = share;
      addScaled(direction, change, -share);
    }
    if (newest !== undefined) {
      const scale = newest.product / dot(newest.change, newest.change);
      for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] ?? 0) * scale;
    }
    this.#pairs.forEach(({ step, change, product }, i) => {
      addScaled(direction, step, (shares[i] ?? 0) - dot(change, direction) / product);
    });
    return direction;
  }
}
