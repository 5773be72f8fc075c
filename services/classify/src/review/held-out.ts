/**
 * How a kind of head answers examples that it has not learned, in all the terms that heads are measured by: cross-validation. The prequential
 * figures are of heads as they were while they learned; these are of the head that the labelled set gives now. A fold is taken out
 * of the sums exactly, so that what answers it is the very head that would have come of never having seen it.
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

/** Heads that are trained, each without one share of the examples. */
const maximumFolds = 5;

export interface CrossValidationRequest extends Pick<TrainOptions, 'kind' | 'prior'> {
  readonly set: TrainingSetOptions;
  /** In the order of their sample keys. */
  readonly examples: readonly LabelledVector[];
  /** As many of them, from the first one on, are answered; the others are only learned. */
  readonly judged: number;
}

export interface CrossValidationReport {
  /** 0 where examples cannot be parted, because there is one alone, or one group. */
  readonly folds: number;
  /** Examples that were answered. */
  readonly judged: number;
  /** Examples that each head had learned, at least. */
  readonly learned: number;
  /** Why nothing was held out, or why no answer can be right; null where the figures speak for themselves. */
  readonly note: string | null;
  readonly report: MeasurementReport;
}

/** A pure function of the question. Errors: those of `trainHead`. */
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
  if (examples.length < 2) return 'Nothing was held out: there is one labelled example at most';
  if (parts < 2) return 'Nothing was held out: all examples are of one group, whose members stay together';
  if (new Set(examples.map(({ label }) => label)).size < examples.length) return null;
  return 'Every class has one example: where it is held out, no head knows its class, and no answer is right';
}

/** A group is in one fold: its members are near-duplicates, and would give each other away. */
function foldsOf(examples: readonly LabelledVector[]): LabelledVector[][] {
  const parts: LabelledVector[][] = Array.from({ length: maximumFolds }, () => []);
  findFolds(examples.map(({ group }) => group)).forEach((members, turn) => {
    parts[turn % maximumFolds]?.push(...members.flatMap((index) => examples[index] ?? []));
  });
  return parts.filter(({ length }) => length > 0);
}
