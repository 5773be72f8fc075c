/**
 * How good the answers were that users really got: the published predictions that have met their first label, whatever heads made
 * them, in the terms of scikit-learn's report. Bounded by what the partitions keep.
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
  /** Mean error over all coverages; null while nothing was measured. */
  readonly areaUnderRejectionCurve: number | null;
  readonly abstention: {
    readonly abstained: number;
    /** Of the answers that were given; null where none was. */
    readonly accuracy: number | null;
  };
  /** When the oldest and the newest outcome came about, milliseconds since the epoch; null where there is none. */
  readonly from: number | null;
  readonly to: number | null;
}

/** What is below this is rounding. */
const negligible = 1e-9;

/** Pauses now and then: a report of many partitions takes longer than the event loop should be held. */
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
  // With a cost matrix the answer need not be the most probable class: what is counted is the answer.
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

/** A label beyond the classes whose probability was kept counts as having all that is left, which flatters no head by much. */
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
