/**
 * Distances in many dimensions are far too sure of themselves. One temperature, chosen on examples that were left out, turns them into
 * probabilities that can be trusted.
 */
import { fixedExp, fixedLog } from '../numerics/fixed-math.ts';

/** Steps of the grid between a power of two and the next. Four were too few: half a step is 9 %, and was the larger part of a calibration error. */
const stepsPerDoubling = 16;
const smallestPower = -10;
const smallestScale = 1 / 1024;
const largestPower = 16;
/** Of one example among those scored; 0 to 2 were tried on 20, 50 and 100 labels, and less is better until sets are separable. */
const smoothingShare = 0.25;
const temperatures: readonly number[] = listTemperatures();

/** How examples are judged by a head that never saw them. */
export interface HeldOutLogits {
  readonly classes: number;
  /** Examples × classes, at a temperature of one and without priors; −Infinity for a class that has no other examples. */
  readonly logits: Float64Array;
  /** Class index of each example; −1 where its class has no other examples, and it can't be scored. */
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
 * The temperature of the grid with the smallest macro-averaged log loss; null where no example can be scored. The loss is convex in 1/T,
 * so that bisection on the grid finds it. Labels are smoothed by a quarter of 1/(m + 1) for m scored examples: without that, a sample that is
 * separated without errors would ask for a temperature of zero. Each class weighs the same, which is right under a uniform prior: another
 * prior is added afterwards. `offsets` are what a kind adds to its logits whatever the temperature.
 */
export function chooseTemperature(
  left: HeldOutLogits,
  offsets: Float64Array = new Float64Array(left.classes),
): ChosenTemperature | null {
  const weights = weighExamples(left);
  if (weights === null) return null;
  let low = 0;
  let high = temperatures.length - 1;
  const loss = (index: number) => macroLogLoss(left, weights, offsets, temperatures[index] ?? 1);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (loss(middle) <= loss(middle + 1)) high = middle;
    else low = middle + 1;
  }
  return {
    temperature: temperatures[low] ?? 1,
    logLoss: loss(low),
    accuracy: macroAccuracy(left, offsets, temperatures[low] ?? 1),
  };
}

/** Each class counts as much as any other. Null where no example can be scored. */
function weighExamples(left: HeldOutLogits): Float64Array | null {
  const counts = new Float64Array(left.classes);
  for (const label of left.labels) if (label >= 0) counts[label] = (counts[label] ?? 0) + 1;
  const scored = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  if (scored === 0) return null;
  return Float64Array.from(left.labels, (label) => (label < 0 ? 0 : 1 / (scored * (counts[label] ?? 1))));
}

function macroLogLoss(
  left: HeldOutLogits,
  weights: Float64Array,
  offsets: Float64Array,
  temperature: number,
): number {
  const { classes, labels } = left;
  let scored = 0;
  for (const label of labels) if (label >= 0) scored++;
  const smoothing = smoothingShare / (scored + 1);
  let loss = 0;
  const logits = new Float64Array(classes);
  for (let example = 0; example < labels.length; example++) {
    const label = labels[example] ?? -1;
    if (label < 0) continue;
    readLogits(logits, left, example, offsets, temperature);
    loss += (weights[example] ?? 0) * smoothedLoss(logits, label, smoothing);
  }
  return loss;
}

function readLogits(
  logits: Float64Array,
  left: HeldOutLogits,
  example: number,
  offsets: Float64Array,
  temperature: number,
): void {
  for (let k = 0; k < left.classes; k++) {
    logits[k] = (left.logits[example * left.classes + k] ?? 0) / temperature + (offsets[k] ?? 0);
  }
}

/** log Σ exp(logits) − (1 − α) · logit of the label − α · mean of the logits of classes that are there. */
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

/** Of counts: weights that are added up would make 0.9999999999999453 of a sample without a mistake. */
function macroAccuracy(left: HeldOutLogits, offsets: Float64Array, temperature: number): number {
  const logits = new Float64Array(left.classes);
  const counts = new Float64Array(left.classes);
  const right = new Float64Array(left.classes);
  left.labels.forEach((label, example) => {
    if (label < 0) return;
    counts[label] = (counts[label] ?? 0) + 1;
    readLogits(logits, left, example, offsets, temperature);
    if (logits.every((logit) => logit <= (logits[label] ?? 0))) right[label] = (right[label] ?? 0) + 1;
  });
  const shares = [...right].flatMap((hits, k) => ((counts[k] ?? 0) > 0 ? [hits / (counts[k] ?? 1)] : []));
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** 2^(i/16), by roots and products that are rounded alike everywhere. */
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
