/**
 * Cross-validation of a kind of head, in all terms that heads are measured by. Prequential figures describe
 * past heads; these describe the head of the present training set. A fold is subtracted from the sums
 * exactly, which gives the very head that never learned it.
 */
import {
  createTrainingSet,
  findFolds,
  HeadMeasurements,
  type LabelledVector,
  type MeasurementReport,
  openHead,
  type TrainingSetOptions,
  type TrainOptions,
  trainHead,
} from '@headwater/heads';

/** Number of heads, each trained without one fold. */
const maximumFolds = 5;

export interface CrossValidationRequest extends Pick<TrainOptions, 'kind' | 'prior'> {
  readonly set: TrainingSetOptions;
  /** In the order of their sample keys. */
  readonly examples: readonly LabelledVector[];
  /** The number of first examples that are predicted; the others are only learned. */
  readonly judged: number;
}

export interface CrossValidationReport {
  /** 0 where the examples cannot be split: a single one, or a single group. */
  readonly folds: number;
  /** Number of predicted examples. */
  readonly judged: number;
  /** Smallest number of examples that a head has learned. */
  readonly learned: number;
  /** Why nothing was held out, or why no prediction can be correct; else null. */
  readonly note: string | null;
  readonly report: MeasurementReport;
}

/** A pure function of its input. Errors: those of `trainHead`. */
export function crossValidateHead({
  kind,
  prior,
  set: options,
  examples,
  judged,
}: CrossValidationRequest): CrossValidationReport {
  const parts = foldsOf(examples);
  const note = noteOn(examples, parts.length);
  const measurements = new HeadMeasurements();
  let learned = examples.length;
  if (parts.length < 2) return { folds: 0, judged: 0, learned: 0, note, report: measurements.report() };
  const isJudged = new Set(examples.slice(0, judged));
  const set = createTrainingSet(options);
  for (const example of examples) set.add(example);
  for (const part of parts) {
    for (const example of part) set.remove(example);
    learned = Math.min(learned, set.examples);
    const out = new Set(part);
    const rest = examples.filter((example) => !out.has(example));
    const head = trainHead(set, { kind, mode: 'settled', ...(prior === undefined ? {} : { prior }) }, rest);
    const classifier = openHead(head);
    for (const { imageId, label, vector } of part.filter((one) => isJudged.has(one))) {
      const { probabilities } = classifier.predict(vector);
      measurements.add({ imageId, label, classes: classifier.classes, probabilities });
    }
    for (const example of part) set.add(example);
  }
  return { folds: parts.length, judged: measurements.examples, learned, note, report: measurements.report() };
}

function noteOn(examples: readonly LabelledVector[], parts: number): string | null {
  if (examples.length < 2) return 'Nothing was held out: there is at most one labelled example';
  if (parts < 2) return 'Nothing was held out: all examples belong to one group, which stays in one fold';
  if (new Set(examples.map(({ label }) => label)).size < examples.length) return null;
  return 'Every class has one example: without it no head knows the class, so no prediction is correct';
}

/** A group stays in one fold: its members are near-duplicates, and would reveal each other. */
function foldsOf(examples: readonly LabelledVector[]): LabelledVector[][] {
  const parts: LabelledVector[][] = Array.from({ length: maximumFolds }, () => []);
  findFolds(examples.map(({ group }) => group)).forEach((members, turn) => {
    parts[turn % maximumFolds]?.push(...members.flatMap((index) => examples[index] ?? []));
  });
  return parts.filter(({ length }) => length > 0);
}
