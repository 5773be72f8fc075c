/**
 * All measurements of a head, in one pass over predictions and their true labels and in bounded memory. Workers measure
 * separately and merge. Counts are exact in any order; the few sums of logarithms and squares are equal up to rounding.
 */
import { HeadwaterError } from '@headwater/errors';
import { Calibration, type CalibrationBin } from './calibration-error.ts';
import { type ClassificationReport, reportOf } from './classification-report.ts';
import { type ConfusionEntry, ConfusionMatrix, type ConfusionState } from './confusion-matrix.ts';
import {
  brierScoreOf,
  indexOfPredicted,
  logLossOf,
  type PredictionOutcome,
  probabilityOfLabel,
} from './prediction-outcome.ts';
import { type ConfidenceLevel, type RejectionPoint, rejectionCurveOf } from './rejection-curve.ts';
import { type WorstExample, WorstExamples } from './worst-examples.ts';

/** Top-k accuracy is measured for k = 1 … 5. */
const largestTopK = 5;
/** Bounds memory, since clients choose the classes. */
export const maximumMeasuredClasses = 10_000;
/** Steps of confidence in the rejection curve. */
const confidenceSteps = 1000;

export interface MeasurementReport extends ClassificationReport {
  /** Mean −ln p(label), in nats; null while nothing was measured, as are the next two. */
  readonly logLoss: number | null;
  /** Mean Brier score of `brierScoreOf`, in [0, 2]; scikit-learn reports half of it for two classes. */
  readonly brierScore: number | null;
  /** See `Calibration`. */
  readonly calibrationError: number | null;
  /** At k − 1, the share of examples whose label is among the k most probable classes; empty while nothing was measured. */
  readonly topK: readonly number[];
  /** Right predictions, and the most frequent mistakes; see `ConfusionMatrix`. */
  readonly confusion: readonly ConfusionEntry[];
  /** Mistakes that are not listed in `confusion`. */
  readonly unlistedConfusion: number;
  readonly calibration: readonly CalibrationBin[];
  /** In steps of a thousandth of confidence, the most confident first; see `abstentionPoint`. */
  readonly rejection: readonly RejectionPoint[];
  readonly worst: readonly WorstExample[];
}

/** JSON-serializable state, with a version so that an older one is never misread. */
export interface MeasurementState {
  readonly version: 2;
  readonly confusion: ConfusionState;
  readonly calibration: readonly CalibrationBin[];
  readonly logLoss: number;
  readonly brierScore: number;
  /** At r, the number of examples that had r classes more probable than their label. */
  readonly ranks: readonly number[];
  /** Thousandths of confidence that occurred: number of predictions, number of right ones. */
  readonly confidences: readonly (readonly [step: number, count: number, correct: number])[];
  readonly worst: readonly WorstExample[];
}

/** The state before pairs of classes were bounded. */
export interface MeasurementStateV1 extends Omit<MeasurementState, 'version' | 'confusion'> {
  readonly version: 1;
  readonly confusion: readonly ConfusionEntry[];
}

export class HeadMeasurements {
  readonly #confusion = new ConfusionMatrix();
  readonly #calibration = new Calibration();
  readonly #worst = new WorstExamples();
  readonly #ranks: number[] = new Array<number>(largestTopK).fill(0);
  readonly #confidences = new Map<number, readonly [count: number, correct: number]>();
  readonly #labels = new Set<string>();
  #logLoss = 0;
  #brierScore = 0;

  get examples(): number {
    return this.#confusion.total;
  }

  /** Errors: limit-exceeded, for too many classes; the outcome is then not counted. */
  add(outcome: PredictionOutcome): void {
    const { label, classes, probabilities } = outcome;
    const best = indexOfPredicted(probabilities);
    const predicted = classes[best] ?? '';
    const confidence = probabilities[best] ?? 0;
    const correct = predicted === label;
    this.#know(label, predicted);
    this.#confusion.add(label, predicted);
    this.#calibration.add(confidence, correct);
    this.#countConfidence(Math.floor(confidence * confidenceSteps), 1, Number(correct));
    this.#worst.add(outcome);
    this.#logLoss += logLossOf(probabilityOfLabel(outcome));
    this.#brierScore += brierScoreOf(outcome);
    const rank = rankOfLabel(outcome);
    if (rank < largestTopK) this.#ranks[rank] = (this.#ranks[rank] ?? 0) + 1;
  }

  merge(other: HeadMeasurements): void {
    this.#take(other.state());
  }

  report(): MeasurementReport {
    const { examples } = this;
    const mean = (sum: number) => (examples === 0 ? null : sum / examples);
    return {
      ...reportOf(this.#confusion),
      logLoss: mean(this.#logLoss),
      brierScore: mean(this.#brierScore),
      calibrationError: this.#calibration.error(),
      topK: examples === 0 ? [] : accumulate(this.#ranks).map((hits) => hits / examples),
      confusion: this.#confusion.entries(),
      unlistedConfusion: this.#confusion.unlisted,
      calibration: this.#calibration.bins,
      rejection: rejectionCurveOf(this.#levels()),
      worst: this.#worst.list(),
    };
  }

  state(): MeasurementState {
    return {
      version: 2,
      confusion: this.#confusion.state(),
      calibration: this.#calibration.bins,
      logLoss: this.#logLoss,
      brierScore: this.#brierScore,
      ranks: [...this.#ranks],
      confidences: [...this.#confidences].map(([step, [count, correct]]) => [step, count, correct]),
      worst: this.#worst.list(),
    };
  }

  /** Errors: statistics-mismatch for a state with different bins. */
  static fromState(state: MeasurementState | MeasurementStateV1): HeadMeasurements {
    const measurements = new HeadMeasurements();
    measurements.#take(state.version === 2 ? state : renewed(state));
    return measurements;
  }

  #take({ confusion, calibration, worst, ranks, confidences, logLoss, brierScore }: MeasurementState): void {
    for (const [label] of confusion.classes) this.#know(label, label);
    for (const [step, count, correct] of confidences) this.#countConfidence(step, count, correct);
    this.#confusion.merge(ConfusionMatrix.fromState(confusion));
    this.#calibration.merge(Calibration.fromBins(calibration));
    this.#worst.restore(worst);
    for (const [rank, count] of ranks.entries()) this.#ranks[rank] = (this.#ranks[rank] ?? 0) + count;
    this.#logLoss += logLoss;
    this.#brierScore += brierScore;
  }

  #know(label: string, predicted: string): void {
    const news = [...new Set([label, predicted])].filter((one) => !this.#labels.has(one));
    if (this.#labels.size + news.length > maximumMeasuredClasses) {
      throw new HeadwaterError(
        'limit-exceeded',
        `head measurements are limited to ${maximumMeasuredClasses} classes`,
      );
    }
    for (const one of news) this.#labels.add(one);
  }

  #countConfidence(step: number, count: number, correct: number): void {
    const [counted, right] = this.#confidences.get(step) ?? [0, 0];
    this.#confidences.set(step, [counted + count, right + correct]);
  }

  #levels(): ConfidenceLevel[] {
    return [...this.#confidences].map(([step, [count, correct]]) => {
      return { confidence: step / confidenceSteps, count, correct };
    });
  }
}

function renewed(state: MeasurementStateV1): MeasurementState {
  return { ...state, version: 2, confusion: ConfusionMatrix.fromEntries(state.confusion).state() };
}

/**
 * Number of classes before the label: those more probable, and of equals those with a smaller index. Infinity for an unknown
 * label.
 */
function rankOfLabel({ label, classes, probabilities }: PredictionOutcome): number {
  const index = classes.indexOf(label);
  if (index < 0) return Number.POSITIVE_INFINITY;
  const own = probabilities[index] ?? 0;
  let rank = 0;
  for (const [k, probability] of probabilities.entries()) {
    if (probability > own || (probability === own && k < index)) rank++;
  }
  return rank;
}

function accumulate(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.map((count) => {
    sum += count;
    return sum;
  });
}
