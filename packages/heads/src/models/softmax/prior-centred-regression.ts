/**
 * Multinomial logistic regression with a Gaussian prior centred on a linear discriminant. It minimises
 *
 *   Σ_i weight_i · log loss(label_i, W (x_i − c) + b) + λ/2 Σ_k (w_k − w⁰_k)ᵀ W_ε (w_k − w⁰_k)
 *
 * with w⁰ the weights of the prior and b free. In the coordinates v = U w, W_ε = UᵀU, in which a class spreads equally in all
 * directions, the penalty is λ/2 |v − v⁰|², and L-BFGS converges quickly. The examples stay unchanged, since U⁻ᵀ transforms
 * the gradient. Each step moves the logits along a line, so that its length is found without another pass. Every sum has a
 * fixed order: the same bits everywhere.
 */
import type { Kernel } from '../../kernel/api.ts';
import { LbfgsDirection } from '../../numerics/lbfgs.ts';
import { addScaled, dot } from '../../numerics/vector-arithmetic.ts';
import type { LinearScores } from '../linear-head.ts';
import { ExamplePass } from './example-pass.ts';
import { LogitLoss } from './logit-loss.ts';
import type { WeightPrior } from './weight-prior.ts';

/** Number of steps in the L-BFGS history. */
const remembered = 8;
/** The line search ends when the slope has fallen to this share of its initial value. */
const flatEnough = 0.1;
const maximumTrials = 12;

interface RegressionExamples {
  /** Vectors in the space of the prior's statistics. */
  readonly vectors: readonly Int16Array[];
  /** Class indices. */
  readonly labels: Int32Array;
  /** The weights sum to one. */
  readonly weights: Float64Array;
}

export class PriorCentredRegression {
  readonly #weightPrior: WeightPrior;
  readonly #kernel: Kernel;
  readonly #pass: ExamplePass;
  readonly #loss: LogitLoss;
  /** Classes that have examples; the others keep the weights of the prior. */
  readonly #classes: readonly number[];
  /** v − v⁰ of these classes, one after the other, then their intercepts relative to the prior's. */
  readonly #shift: Float64Array;
  readonly #logits: Float64Array;

  constructor(kernel: Kernel, weightPrior: WeightPrior, { vectors, labels, weights }: RegressionExamples) {
    this.#kernel = kernel;
    this.#weightPrior = weightPrior;
    this.#classes = [...new Set(labels)].sort((a, b) => a - b);
    const place = new Map(this.#classes.map((label, at) => [label, at]));
    const own = labels.map((label) => place.get(label) ?? 0);
    this.#loss = new LogitLoss(own, weights, this.#classes.length);
    this.#pass = new ExamplePass(kernel, vectors, weightPrior.width, this.#classes.length);
    this.#shift = new Float64Array(this.#classes.length * (weightPrior.width + 1));
    const start = this.#classes.map((k) =>
      weightPrior.weights.subarray(k * weightPrior.width, (k + 1) * weightPrior.width),
    );
    this.#logits = this.#scoreCentered(
      concatenate(start),
      Float64Array.from(this.#classes, (k) => weightPrior.intercepts[k] ?? 0),
    );
  }

  /** v − v⁰ and the change of the intercepts: a starting point for another regression of the same classes. */
  get shift(): Float64Array {
    return this.#shift.slice();
  }

  /** Starts from the solution of another regression, if it has the same classes. */
  startFrom(shift: Float64Array): void {
    if (shift.length !== this.#shift.length) return;
    const end = this.#classes.length * this.#weightPrior.width;
    const weights = shift.slice(0, end);
    this.#weightPrior.factor.solveUpper(weights);
    this.#shift.set(shift);
    addScaled(this.#logits, this.#scoreCentered(weights, shift.slice(end)), 1);
  }

  /** Takes at most `maximumSteps` steps, until the objective falls by less than `tolerance` of itself; returns the number of steps. */
  descend(lambda: number, maximumSteps: number, tolerance: number): number {
    const memory = new LbfgsDirection(remembered);
    let before: { readonly step: Float64Array; readonly gradient: Float64Array } | null = null;
    for (let taken = 0; taken < maximumSteps; taken++) {
      const gradient = this.#gradient(lambda);
      if (before !== null) {
        const earlier = before.gradient;
        memory.update(
          before.step,
          gradient.map((value, i) => value - (earlier[i] ?? 0)),
        );
      }
      const direction = memory.direction(gradient);
      const fall = this.#walk(direction, lambda);
      if (!(fall > tolerance)) return taken + 1;
      before = { step: direction, gradient };
    }
    return maximumSteps;
  }

  /** Weights (classes × width) and intercepts, for vectors that are not centred. */
  get solution(): LinearScores {
    const { width, factor } = this.#weightPrior;
    const weights = this.#weightPrior.weights.slice();
    const intercepts = this.#weightPrior.intercepts.slice();
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
    return { weights, biases: uncenter(weights, intercepts, this.#weightPrior) };
  }

  /** Current logits of other examples, examples × classes. */
  evaluate(vectors: readonly Int16Array[]): Float64Array {
    const { weights, biases } = this.solution;
    return new ExamplePass(this.#kernel, vectors, this.#weightPrior.width, biases.length).score(
      weights,
      biases,
    );
  }

  /** Gradient by the shift. */
  #gradient(lambda: number): Float64Array {
    const { width, center, factor } = this.#weightPrior;
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

  /** Moves along the direction, which becomes the step; returns the share by which the objective fell. */
  #walk(direction: Float64Array, lambda: number): number {
    const { width, factor } = this.#weightPrior;
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
    return this.#pass.score(weights, uncenter(weights, intercepts, this.#weightPrior));
  }
}

/** Converts intercepts for centred vectors to intercepts for vectors that are not centred. */
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
 * The approximate minimum of a convex function of the length: Newton's method, with bisection where it leaves the bracket. The
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
  for (let tried = 0; tried < maximumTrials; tried++) {
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
