/**
 * How good a head is, from its predictions and the labels that came for them: what scikit-learn's classification report has, and whether
 * its probabilities can be trusted. Memory is bounded by classes, bins and the number of worst examples kept, not by examples.
 */
import { HeadwaterError } from '@headwater/errors';
import type { HeadPrediction } from './api.ts';
import { compareUtf8 } from './utf8-order.ts';

/** Equally wide bins of confidence for the calibration error (Guo et al.: On Calibration of Modern Neural Networks, 2017). */
const calibrationBins = 15;
/** Steps of confidence in the rejection curve. */
const rejectionBins = 1000;
/** A label that got no probability at all costs this much log loss, and not infinity. */
const smallestProbability = 1e-15;
const largestTop = 5;

export interface WorstExample {
  readonly imageId: string;
  readonly truth: string;
  readonly label: string;
  /** What the head gave to the true class. */
  readonly probability: number;
}

export interface ClassMeasurements {
  readonly label: string;
  /** Examples of this class. */
  readonly support: number;
  /** Of those called so, the share that is; 0 where none is called so. */
  readonly precision: number;
  /** Of those that are, the share called so; 0 where there are none. */
  readonly recall: number;
  readonly f1: number;
}

/** Answering only above a confidence. */
export interface RejectionPoint {
  readonly threshold: number;
  /** Share of predictions that are at or above the threshold. */
  readonly coverage: number;
  /** Share of these that are wrong. */
  readonly error: number;
}

export interface MeasurementReport {
  readonly examples: number;
  readonly accuracy: number;
  /** Mean recall over the classes that have examples. */
  readonly balancedAccuracy: number;
  /** Mean F1 over all classes. */
  readonly macroF1: number;
  /** Mean −ln p of the true class, in nats. */
  readonly logLoss: number;
  /** Mean gap between confidence and accuracy, weighted by bin. */
  readonly calibrationError: number;
  /** Entry k − 1: how often the truth is among the k most probable classes; k up to 5. */
  readonly topAccuracy: readonly number[];
  /** In ascending order of their UTF-8 bytes. */
  readonly classes: readonly ClassMeasurements[];
  /** Row: truth, column: prediction, in the order of `classes`. */
  readonly confusion: readonly (readonly number[])[];
  /** By ascending threshold, only where something changes. */
  readonly rejection: readonly RejectionPoint[];
  /** The least probable truths first. */
  readonly worst: readonly WorstExample[];
}

export interface MeasurementOptions {
  /** Worst-classified examples that are kept; 20 by default. */
  readonly worst?: number;
  /** Most classes that are told apart; 10,000 by default. */
  readonly maximumClasses?: number;
}

/** A running tally of predictions against labels. */
export class Measurements {
  readonly #worstLimit: number;
  readonly #maximumClasses: number;
  #examples = 0;
  #right = 0;
  #logLoss = 0;
  readonly #top = new Float64Array(largestTop);
  readonly #confusion = new Map<string, Map<string, number>>();
  readonly #labels = new Set<string>();
  readonly #calibration = new Bins(calibrationBins);
  readonly #rejection = new Bins(rejectionBins);
  #worst: WorstExample[] = [];

  constructor({ worst = 20, maximumClasses = 10_000 }: MeasurementOptions = {}) {
    this.#worstLimit = worst;
    this.#maximumClasses = maximumClasses;
  }

  /**
   * `classes` are those of the head that predicted, in its order; the truth may be a class that it does not know.
   * Errors: limit-exceeded, for too many classes.
   */
  add(imageId: string, classes: readonly string[], prediction: HeadPrediction, truth: string): void {
    this.#know(truth);
    this.#know(prediction.label);
    const { label, probabilities } = prediction;
    const index = classes.indexOf(truth);
    const probability = index < 0 ? 0 : (probabilities[index] ?? 0);
    const confidence = probabilities[classes.indexOf(label)] ?? 0;
    const right = label === truth;
    this.#examples++;
    if (right) this.#right++;
    this.#logLoss -= Math.log(Math.max(probability, smallestProbability));
    this.#count(truth, label);
    this.#rank(index, probabilities);
    this.#calibration.add(confidence, right);
    this.#rejection.add(confidence, right);
    this.#keepWorst({ imageId, truth, label, probability });
  }

  report(): MeasurementReport {
    const labels = [...this.#labels].sort(compareUtf8);
    const confusion = labels.map((truth) =>
      labels.map((label) => this.#confusion.get(truth)?.get(label) ?? 0),
    );
    const classes = labels.map((label, k) => measureClass(label, confusion, k));
    const supported = classes.filter(({ support }) => support > 0);
    return {
      examples: this.#examples,
      accuracy: share(this.#right, this.#examples),
      balancedAccuracy: mean(supported.map(({ recall }) => recall)),
      macroF1: mean(classes.map(({ f1 }) => f1)),
      logLoss: share(this.#logLoss, this.#examples),
      calibrationError: this.#calibration.gap(this.#examples),
      topAccuracy: Array.from(this.#top, (count) => share(count, this.#examples)),
      classes,
      confusion,
      rejection: this.#rejection.curve(this.#examples),
      worst: this.#worst.slice(),
    };
  }

  #know(label: string): void {
    if (this.#labels.has(label)) return;
    if (this.#labels.size >= this.#maximumClasses) {
      throw new HeadwaterError(
        'limit-exceeded',
        `Measurements tell at most ${this.#maximumClasses} classes apart`,
      );
    }
    this.#labels.add(label);
  }

  #count(truth: string, label: string): void {
    const row = this.#confusion.get(truth) ?? new Map<string, number>();
    row.set(label, (row.get(label) ?? 0) + 1);
    this.#confusion.set(truth, row);
  }

  /** Among equals the class that comes first is the more probable one, as in predictions. */
  #rank(index: number, probabilities: Float64Array): void {
    if (index < 0) return;
    const own = probabilities[index] ?? 0;
    let rank = 0;
    probabilities.forEach((other, k) => {
      if (other > own || (other === own && k < index)) rank++;
    });
    for (let k = rank; k < largestTop; k++) this.#top[k] = (this.#top[k] ?? 0) + 1;
  }

  #keepWorst(example: WorstExample): void {
    const last = this.#worst.at(-1);
    const isFull = this.#worst.length >= this.#worstLimit;
    if (isFull && !(last !== undefined && example.probability < last.probability)) return;
    const at = this.#worst.findIndex(({ probability }) => probability > example.probability);
    this.#worst.splice(at < 0 ? this.#worst.length : at, 0, example);
    this.#worst.length = Math.min(this.#worst.length, this.#worstLimit);
  }
}

/**
 * The lowest confidence at or above which at most this share of answers is wrong, for a head that abstains below it; null where no
 * threshold achieves that.
 */
export function findThreshold(rejection: readonly RejectionPoint[], wantedError: number): number | null {
  for (const { threshold, error } of rejection) if (error <= wantedError) return threshold;
  return null;
}

/** Predictions by confidence. */
class Bins {
  readonly #counts: Float64Array;
  readonly #right: Float64Array;
  readonly #confidence: Float64Array;

  constructor(bins: number) {
    this.#counts = new Float64Array(bins);
    this.#right = new Float64Array(bins);
    this.#confidence = new Float64Array(bins);
  }

  add(confidence: number, right: boolean): void {
    const bins = this.#counts.length;
    const bin = Math.min(Math.floor(confidence * bins), bins - 1);
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.#confidence[bin] = (this.#confidence[bin] ?? 0) + confidence;
    if (right) this.#right[bin] = (this.#right[bin] ?? 0) + 1;
  }

  /** Σ |confidence − right| / n over the bins. */
  gap(examples: number): number {
    const gaps = this.#right.map((right, bin) => Math.abs(right - (this.#confidence[bin] ?? 0)));
    return share(
      gaps.reduce((sum, gap) => sum + gap, 0),
      examples,
    );
  }

  curve(examples: number): RejectionPoint[] {
    const points: RejectionPoint[] = [];
    let covered = 0;
    let right = 0;
    for (let bin = this.#counts.length - 1; bin >= 0; bin--) {
      if (this.#counts[bin] === 0) continue;
      covered += this.#counts[bin] ?? 0;
      right += this.#right[bin] ?? 0;
      const threshold = bin / this.#counts.length;
      points.push({ threshold, coverage: covered / examples, error: 1 - right / covered });
    }
    return points.reverse();
  }
}

function measureClass(
  label: string,
  confusion: readonly (readonly number[])[],
  k: number,
): ClassMeasurements {
  const support = (confusion[k] ?? []).reduce((sum, count) => sum + count, 0);
  const called = confusion.reduce((sum, row) => sum + (row[k] ?? 0), 0);
  const right = confusion[k]?.[k] ?? 0;
  return {
    label,
    support,
    precision: share(right, called),
    recall: share(right, support),
    f1: share(2 * right, support + called),
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function mean(values: readonly number[]): number {
  return share(
    values.reduce((sum, value) => sum + value, 0),
    values.length,
  );
}
