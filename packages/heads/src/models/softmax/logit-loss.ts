/**
 * The log loss of examples with known logits, and its derivatives along a line. A step of a linear head moves its logits along
 * a line, so that the best step length is found without another pass over the examples.
 */
import { fixedExp, fixedLog } from '../../numerics/fixed-math.ts';

/** Derivatives by the step length. */
interface Slope {
  readonly loss: number;
  readonly slope: number;
  readonly curvature: number;
}

export class LogitLoss {
  readonly #labels: Int32Array;
  readonly #weights: Float64Array;
  readonly #classes: number;

  /** Weights of the examples sum to one. */
  constructor(labels: Int32Array, weights: Float64Array, classes: number) {
    this.#labels = labels;
    this.#weights = weights;
    this.#classes = classes;
  }

  /** weight · (p_k − [k is the label]), examples × classes: the gradient by the logits. */
  residuals(logits: Float64Array): Float64Array {
    const classes = this.#classes;
    const residuals = logits.slice();
    this.#labels.forEach((label, example) => {
      const own = residuals.subarray(example * classes, (example + 1) * classes);
      const weight = this.#weights[example] ?? 0;
      toProbabilities(own);
      for (let k = 0; k < classes; k++) own[k] = weight * ((own[k] ?? 0) - (k === label ? 1 : 0));
    });
    return residuals;
  }

  /** At logits + length · line. */
  slopeAt(logits: Float64Array, line: Float64Array, length: number): Slope {
    const classes = this.#classes;
    const own = new Float64Array(classes);
    let [loss, slope, curvature] = [0, 0, 0];
    for (let example = 0; example < this.#labels.length; example++) {
      const at = example * classes;
      const label = this.#labels[example] ?? 0;
      for (let k = 0; k < classes; k++) own[k] = (logits[at + k] ?? 0) + length * (line[at + k] ?? 0);
      const logit = own[label] ?? 0;
      const logSum = toProbabilities(own);
      let mean = 0;
      let square = 0;
      for (let k = 0; k < classes; k++) {
        const change = line[at + k] ?? 0;
        const part = (own[k] ?? 0) * change;
        mean += part;
        square += part * change;
      }
      const weight = this.#weights[example] ?? 0;
      loss += weight * (logSum - logit);
      slope += weight * (mean - (line[at + label] ?? 0));
      curvature += weight * (square - mean * mean);
    }
    return { loss, slope, curvature };
  }
}

/** In place; returns the logarithm of the sum of the exponentials. */
function toProbabilities(logits: Float64Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > highest) highest = logit;
  let sum = 0;
  for (let k = 0; k < logits.length; k++) {
    const value = fixedExp((logits[k] ?? 0) - highest);
    logits[k] = value;
    sum += value;
  }
  for (let k = 0; k < logits.length; k++) logits[k] = (logits[k] ?? 0) / sum;
  return highest + fixedLog(sum);
}
