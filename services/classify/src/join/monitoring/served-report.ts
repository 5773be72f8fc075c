/**
 * Report, in the terms of scikit-learn, on the published predictions that have met their first label, of any
 * head. Bounded by what the partitions keep.
 */
import {
  areaUnderRejectionCurve,
  ConfusionMatrix,
  HeadMeasurements,
  type MeasurementReport,
  type PredictionOutcome,
  reportOf,
} from '@headwater/heads';
import { EventLoopBudget } from '../../event-loop.ts';
import type { Probabilities, ServedOutcome } from '../state/served-answers.ts';

export interface ServedReport extends Omit<MeasurementReport, 'classes'> {
  readonly classes: Readonly<Record<string, unknown>>;
  /** Mean error over all coverages; null without outcomes. */
  readonly areaUnderRejectionCurve: number | null;
  readonly abstention: {
    readonly abstained: number;
    /** Of the predictions that did not abstain; null without any. */
    readonly accuracy: number | null;
  };
  /** Times of the oldest and the newest outcome, milliseconds since the epoch; null without outcomes. */
  readonly from: number | null;
  readonly to: number | null;
}

/** Smaller values are rounding errors. */
const negligible = 1e-9;

/** Yields now and then: a report over many partitions takes long. */
export async function reportOutcomes(outcomes: readonly ServedOutcome[]): Promise<ServedReport> {
  const measurements = new HeadMeasurements();
  const served = new ConfusionMatrix();
  const eventLoop = new EventLoopBudget();
  for (const outcome of outcomes) {
    await eventLoop.yieldIfDue();
    measurements.add(asPrediction(outcome));
    served.add(outcome.truth, outcome.label);
  }
  const report = measurements.report();
  // With a cost matrix, the predicted class need not be the most probable one.
  const { classes, ...averages } = reportOf(served);
  const times = outcomes.map(({ at }) => at);
  return {
    ...report,
    ...averages,
    classes: Object.fromEntries(classes),
    confusion: served.entries(),
    unlistedConfusion: served.unlisted,
    areaUnderRejectionCurve: areaUnderRejectionCurve(report.rejection),
    abstention: abstentionOf(outcomes),
    from: times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b)),
    to: times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b)),
  };
}

function abstentionOf(outcomes: readonly ServedOutcome[]): ServedReport['abstention'] {
  const given = outcomes.filter(({ abstained }) => !abstained);
  const right = given.filter(({ truth, label }) => truth === label).length;
  return {
    abstained: outcomes.length - given.length,
    accuracy: given.length === 0 ? null : right / given.length,
  };
}

/** A label outside the kept classes gets all of the remaining probability, which favours no head by much. */
function asPrediction({ imageId, truth, probabilities }: ServedOutcome): PredictionOutcome {
  const all: (readonly [string, number])[] = [...probabilities];
  if (!all.some(([label]) => label === truth)) all.push([truth, leftOver(probabilities)]);
  const known = all.filter(([label, probability]) => label !== truth || probability > negligible);
  return {
    imageId,
    label: truth,
    classes: known.map(([label]) => label),
    probabilities: Float64Array.from(known, ([, probability]) => probability),
  };
}

function leftOver(probabilities: Probabilities): number {
  return Math.max(0, 1 - probabilities.reduce((sum, [, probability]) => sum + probability, 0));
}
