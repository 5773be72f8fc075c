/**
 * Multinomial logistic regression that is held to a linear discriminant: it minimises
 *
 *   Σ_i weight_i · log loss(label_i, W (x_i − c) + b) + λ/2 Σ_k (w_k − w⁰_k)ᵀ W_ε (w_k − w⁰_k)
 *
 * with w⁰ the anchor's weights and b free. In the coordinates v = U w, W_ε = UᵀU, where examples of a class are spread alike in all directions, the
 * penalty is λ/2 |v − v⁰|², and L-BFGS is soon there; the examples themselves stay as they are, for U⁻ᵀ turns a gradient as well. Logits move
 * along a line with each step, so that its length is found without another pass. Every sum has a fixed order: the same bits everywhere.
 */

import type { Kernel } from '../../kernel/api.ts';
import { LbfgsDirection } from '../../numerics/lbfgs.ts';
import { addScaled, dot } from '../../numerics/vector-arithmetic.ts';
import type { LinearScores } from '../linear-head.ts';
import { ExamplePass } from './example-pass.ts';
import { LogitLoss } from './logit-loss.ts';
import type { WeightPrior } from './weight-prior.ts';

/** Steps that L-BFGS remembers. */
const remembered = 8;
/** A step is long enough when the slope has fallen to this share of what it was. */
const flatEnough = 0.1;
const mostLengthsTried = 12;

export interface RegressionExamples {
  /** What the anchor's sums are of. */
  readonly vectors: readonly Int16Array[];
  /** Class indices. */
  readonly labels: Int32Array;
  /** Their sum is one. */
  readonly weights: Float64Array;
}

export class PriorCentredRegression {
  readonly #anchor: WeightPrior;
  readonly #kernel: Kernel;
  readonly #pass: ExamplePass;
  readonly #loss: LogitLoss;
  /** Classes that have examples; the others keep the anchor's weights. */
  readonly #classes: readonly number[];
  /** v − v⁰ of these classes, one behind the other, then their intercepts less the anchor's. */
  readonly #shift: Float64Array;
  readonly #logits: Float64Array;

  constructor(kernel: Kernel, anchor: WeightPrior, { vectors, labels, weights }: RegressionExamples) {
    this.#kernel = kernel;
    this.#anchor = anchor;
    this.#classes = [...new Set(labels)].sort((a, b) => a - b);
    const place = new Map(this.#classes.map((label, at) => [label, at]));
    const own = labels.map((label) => place.get(label) ?? 0);
    this.#loss = new LogitLoss(own, weights, this.#classes.length);
    this.#pass = new ExamplePass(kernel, vectors, anchor.width, this.#classes.length);
    this.#shift = new Float64Array(this.#classes.length * (anchor.width + 1));
    const start = this.#classes.map((k) => anchor.weights.subarray(k * anchor.width, (k + 1) * anchor.width));
    this.#logits = this.#scoreCentered(
      concatenate(start),
      Float64Array.from(this.#classes, (k) => anchor.intercepts[k] ?? 0),
    );
  }

  /** v − v⁰, and how far intercepts have moved: where another regression of the same classes may start. */
  get shift(): Float64Array {
    return this.#shift.slice();
  }

  /** Begins where another regression has ended, if that is of the same classes. */
  startFrom(shift: Float64Array): void {
    if (shift.length !== this.#shift.length) return;
    const end = this.#classes.length * this.#anchor.width;
    const weights = shift.slice(0, end);
    this.#anchor.factor.solveUpper(weights);
    this.#shift.set(shift);
    addScaled(this.#logits, this.#scoreCentered(weights, shift.slice(end)), 1);
  }

  /** Steps until the objective falls by less than `tolerance` of itself, at most so many; answers how many. */
  descend(lambda: number, mostSteps: number, tolerance: number): number {
    const memory = new LbfgsDirection(remembered);
    let before: { readonly step: Float64Array; readonly gradient: Float64Array } | null = null;
    for (let taken = 0; taken < mostSteps; taken++) {
      const gradient = this.#gradient(lambda);
      if (before !== null) {
        const earlier = before.gradient;
        memory.learn(
          before.step,
          gradient.map((value, i) => value - (earlier[i] ?? 0)),
        );
      }
      const direction = memory.direction(gradient);
      const fall = this.#walk(direction, lambda);
      if (!(fall > tolerance)) return taken + 1;
      before = { step: direction, gradient };
    }
    return mostSteps;
  }

  /** Weights (classes × width) and intercepts, for vectors as they are. */
  get solution(): LinearScores {
    const { width, factor } = this.#anchor;
    const weights = this.#anchor.weights.slice();
    const intercepts = this.#anchor.intercepts.slice();
    const count = this.#classes.length;
    const shift = this.#shift.slice(0, count * width);
    factor.solveUpper(shift);
    this.#classes.forEach((k, at) => {
      addScaled(
        weights.subarray(k * width, (k + 1) * width),
        shift.subarray(at * width, (at + 1) * width),
        1,
      );
      intercepts[k] = (intercepts[k] ?? 0) + (this.#shift[count * width + at] ?? 0);
    });
    return { weights, biases: uncenter(weights, intercepts, this.#anchor) };
  }

  /** Logits of other examples as of now, examples × classes. */
  judge(vectors: readonly Int16Array[]): Float64Array {
    const { weights, biases } = this.solution;
    return new ExamplePass(this.#kernel, vectors, this.#anchor.width, biases.length).score(weights, biases);
  }

  /** By the shift. */
  #gradient(lambda: number): Float64Array {
    const { width, center, factor } = this.#anchor;
    const count = this.#classes.length;
    const residuals = this.#loss.residuals(this.#logits);
    const gathered = this.#pass.gather(residuals);
    const gradient = new Float64Array(this.#shift.length);
    const totals = gradient.subarray(count * width);
    for (let at = 0; at < residuals.length; at++)
      totals[at % count] = (totals[at % count] ?? 0) + (residuals[at] ?? 0);
    for (let at = 0; at < count; at++) {
      addScaled(gathered.subarray(at * width, (at + 1) * width), center, -(totals[at] ?? 0));
    }
    factor.solveTransposed(gathered);
    addScaled(gathered, this.#shift.subarray(0, count * width), lambda);
    gradient.set(gathered);
    return gradient;
  }

  /** Moves along the direction, which becomes the step, and answers by which share the objective fell. */
  #walk(direction: Float64Array, lambda: number): number {
    const { width, factor } = this.#anchor;
    const end = this.#classes.length * width;
    const [spread, along] = [direction.subarray(0, end), this.#shift.subarray(0, end)];
    const weights = spread.slice();
    factor.solveUpper(weights);
    const line = this.#scoreCentered(weights, direction.slice(end));
    const penalty = {
      constant: (lambda / 2) * dot(along, along),
      slope: lambda * dot(along, spread),
      curvature: lambda * dot(spread, spread),
    };
    const at = (length: number) => {
      const { loss, slope, curvature } = this.#loss.slopeAt(this.#logits, line, length);
      return {
        loss: loss + penalty.constant + length * (penalty.slope + 0.5 * length * penalty.curvature),
        slope: slope + penalty.slope + length * penalty.curvature,
        curvature: curvature + penalty.curvature,
      };
    };
    const { length, fall } = findLength(at);
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] ?? 0) * length;
    addScaled(this.#shift, direction, 1);
    addScaled(this.#logits, line, length);
    return fall;
  }

  #scoreCentered(weights: Float64Array, intercepts: Float64Array): Float64Array {
    return this.#pass.score(weights, uncenter(weights, intercepts, this.#anchor));
  }
}

/** Intercepts for vectors as they are, of those for vectors less the center. */
function uncenter(
  weights: Float64Array,
  intercepts: Float64Array,
  { width, center }: WeightPrior,
): Float64Array {
  return intercepts.map((value, k) => value - dot(weights.subarray(k * width, (k + 1) * width), center));
}

function concatenate(rows: readonly Float64Array[]): Float64Array {
  const width = rows[0]?.length ?? 0;
  const all = new Float64Array(rows.length * width);
  rows.forEach((row, k) => {
    all.set(row, k * width);
  });
  return all;
}

/**
 * Where a convex function of the length is about smallest: Newton's method, halving where it leaves what is known to hold the place. The
 * share by which the function falls is 0 where it rises at once.
 */
function findLength(at: (length: number) => { loss: number; slope: number; curvature: number }): {
  length: number;
  fall: number;
} {
  const start = at(0);
  if (!(start.slope < 0)) return { length: 0, fall: 0 };
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  let now = start;
  let length = 0;
  for (let tried = 0; tried < mostLengthsTried; tried++) {
    const wanted = length - now.slope / now.curvature;
    if (high === Number.POSITIVE_INFINITY) length = tried === 0 ? wanted : Math.min(wanted, 4 * length);
    else length = wanted > low && wanted < high ? wanted : 0.5 * (low + high);
    if (!(length < Number.POSITIVE_INFINITY)) return { length: 0, fall: 0 };
    now = at(length);
    if (Math.abs(now.slope) <= flatEnough * -start.slope) break;
    if (now.slope < 0) low = length;
    else high = length;
  }
  return now.loss < start.loss
    ? { length, fall: (start.loss - now.loss) / start.loss }
    : { length: 0, fall: 0 };
}
