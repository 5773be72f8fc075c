/**
 * Softmax of squared distances in many dimensions is far too confident. One temperature, chosen on held-out examples,
 * calibrates the probabilities (temperature scaling).
 */
import { fixedExp, fixedLog } from '../numerics/fixed-math.ts';

/** Grid steps per factor of two. Four were too few: half a step is 9 %, and was the larger part of a calibration error. */
const stepsPerDoubling = 16;
const smallestPower = -10;
const smallestScale = 1 / 1024;
const largestPower = 16;
/**
 * As a share of one of the scored examples. Values from 0 to 2 were tried on 20, 50 and 100 labels; less is better until sets
 * are separable.
 */
const smoothingShare = 0.25;
const temperatures: readonly number[] = listTemperatures();

/** Logits of examples from a head that has not seen them. */
export interface HeldOutLogits {
  readonly classes: number;
  /** Examples × classes, at temperature one and without priors; −Infinity for a class that has no other examples. */
  readonly logits: Float64Array;
  /** Class index of each example; −1 where its class has no other examples, so that it cannot be scored. */
  readonly labels: Int32Array;
}

export interface ChosenTemperature {
  readonly temperature: number;
  /** Macro-averaged leave-one-out log loss at this temperature, in nats. */
  readonly logLoss: number;
  /** Macro-averaged leave-one-out accuracy. */
  readonly accuracy: number;
}

/**
 * The temperature of the grid with the smallest macro-averaged log loss; null where no example can be scored. The loss is
 * convex in 1/T, so that bisection on the grid finds it. Labels are smoothed by a quarter of 1/(m + 1) for m scored examples:
 * without smoothing, a sample that is separated without errors would lead to a temperature of zero. All classes have the same
 * weight, which is correct under a uniform prior; any other prior is added afterwards. `offsets` are added to the logits at
 * every temperature.
 */
export function chooseTemperature(
  heldOut: HeldOutLogits,
  offsets: Float64Array = new Float64Array(heldOut.classes),
): ChosenTemperature | null {
  const weights = weighExamples(heldOut);
  if (weights === null) return null;
  let low = 0;
  let high = temperatures.length - 1;
  const loss = (index: number) => macroLogLoss(heldOut, weights, offsets, temperatures[index] ?? 1);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (loss(middle) <= loss(middle + 1)) high = middle;
    else low = middle + 1;
  }
  return {
    temperature: temperatures[low] ?? 1,
    logLoss: loss(low),
    accuracy: macroAccuracy(heldOut, offsets, temperatures[low] ?? 1),
  };
}

/** Weights that give all classes the same total. Null where no example can be scored. */
function weighExamples(heldOut: HeldOutLogits): Float64Array | null {
  const counts = new Float64Array(heldOut.classes);
  for (const label of heldOut.labels) if (label >= 0) counts[label] = (counts[label] ?? 0) + 1;
  const scored = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  if (scored === 0) return null;
  return Float64Array.from(heldOut.labels, (label) => (label < 0 ? 0 : 1 / (scored * (counts[label] ?? 1))));
}

function macroLogLoss(
  heldOut: HeldOutLogits,
  weights: Float64Array,
  offsets: Float64Array,
  temperature: number,
): number {
  const { classes, labels } = heldOut;
  let scored = 0;
  for (const label of labels) if (label >= 0) scored++;
  const smoothing = smoothingShare / (scored + 1);
  let loss = 0;
  const logits = new Float64Array(classes);
  for (let example = 0; example < labels.length; example++) {
    const label = labels[example] ?? -1;
    if (label < 0) continue;
    readLogits(logits, heldOut, example, offsets, temperature);
    loss += (weights[example] ?? 0) * smoothedLoss(logits, label, smoothing);
  }
  return loss;
}

function readLogits(
  logits: Float64Array,
  heldOut: HeldOutLogits,
  example: number,
  offsets: Float64Array,
  temperature: number,
): void {
  for (let k = 0; k < heldOut.classes; k++) {
    logits[k] = (heldOut.logits[example * heldOut.classes + k] ?? 0) / temperature + (offsets[k] ?? 0);
  }
}

/** log Σ exp(logits) − (1 − α) · logit of the label − α · mean of the finite logits. */
function smoothedLoss(logits: Float64Array, label: number, smoothing: number): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > highest) highest = logit;
  let sum = 0;
  let total = 0;
  let present = 0;
  for (const logit of logits) {
    if (logit === Number.NEGATIVE_INFINITY) continue;
    sum += fixedExp(logit - highest);
    total += logit;
    present++;
  }
  return highest + fixedLog(sum) - (1 - smoothing) * (logits[label] ?? 0) - (smoothing * total) / present;
}

/** From counts, since adding up weights would give 0.9999999999999453 for a sample without a mistake. */
function macroAccuracy(heldOut: HeldOutLogits, offsets: Float64Array, temperature: number): number {
  const logits = new Float64Array(heldOut.classes);
  const counts = new Float64Array(heldOut.classes);
  const right = new Float64Array(heldOut.classes);
  heldOut.labels.forEach((label, example) => {
    if (label < 0) return;
    counts[label] = (counts[label] ?? 0) + 1;
    readLogits(logits, heldOut, example, offsets, temperature);
    if (logits.every((logit) => logit <= (logits[label] ?? 0))) right[label] = (right[label] ?? 0) + 1;
  });
  const shares = [...right].flatMap((hits, k) => ((counts[k] ?? 0) > 0 ? [hits / (counts[k] ?? 1)] : []));
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** 2^(i/16), from roots and products that are rounded alike everywhere. */
function listTemperatures(): number[] {
  const step = Math.sqrt(Math.sqrt(Math.sqrt(Math.SQRT2)));
  const list: number[] = [];
  for (let power = smallestPower, scale = smallestScale; power <= largestPower; power++, scale *= 2) {
    let temperature = scale;
    for (let i = 0; i < stepsPerDoubling; i++) {
      list.push(temperature);
      temperature *= step;
    }
  }
  return list;
}
