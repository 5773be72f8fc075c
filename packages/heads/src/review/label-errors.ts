/** Finds wrong labels: a head trained without the example predicts another class with high confidence. */
import type { Head, LabelledVector, TrainingSet } from '../api.ts';
import { leaveOneOut } from '../calibration/leave-one-out.ts';
import { BoundedRanking } from '../measurements/bounded-ranking.ts';
import { compareUtf8 } from '../numerics/utf8-order.ts';
import { batchesOf, type DiscriminantSpace, openDiscriminantSpace } from './discriminant-space.ts';

export interface LabelErrorOptions {
  /** Number of listed candidates, default 50. */
  readonly limit?: number;
  /** A head of the set whose regularization and temperature are used; by default a provisional `lda` is trained. */
  readonly head?: Head;
}

export interface LabelErrorCandidate {
  readonly imageId: string;
  /** The label in the set. */
  readonly label: string;
  /** The most probable other class, by a head trained without this example. */
  readonly suggestion: string;
  /** Log odds of label against suggestion, without the example (nor its group): far below zero where the label is likely wrong. */
  readonly margin: number;
}

/** Number of examples that are whitened at a time: memory is bounded by this number times the dimensions. */
const partSize = 1000;

/**
 * Examples by their leave-one-out margin, the most suspicious first. `examples` are (some of) those in the set, with members of
 * a group adjacent, as in the order of `sampleKey`. Any number is read; `limit` are kept. An example that is the only one of
 * its class cannot be scored and is left out; nothing is listed where the set cannot separate classes. Errors: head-not-ready
 * for an empty set, sample-incomplete, statistics-mismatch.
 */
export function rankLabelErrors(
  set: TrainingSet,
  examples: Iterable<LabelledVector>,
  { limit = 50, head }: LabelErrorOptions = {},
): LabelErrorCandidate[] {
  const ranking = new BoundedRanking<LabelErrorCandidate>(limit, (a, b) => {
    return a.margin - b.margin || compareUtf8(a.imageId, b.imageId);
  });
  const space = openDiscriminantSpace(set, head);
  if (space === null) return [];
  for (const part of batchesOf(examples, partSize)) for (const one of evaluate(space, part)) ranking.add(one);
  return ranking.list();
}

function evaluate(space: DiscriminantSpace, examples: readonly LabelledVector[]): LabelErrorCandidate[] {
  const { classes, temperature } = space;
  const index = new Map(classes.map((label, k) => [label, k]));
  const heldOut = leaveOneOut({
    ...space,
    ...space.whiten(examples.map(({ vector }) => vector)),
    labels: Int32Array.from(examples, ({ label }) => index.get(label) ?? 0),
    groups: examples.map(({ group }) => group),
  });
  return examples.flatMap(({ imageId, label }, example) => {
    const own = heldOut.labels[example] ?? -1;
    if (own < 0) return [];
    const logits = heldOut.logits.subarray(example * classes.length, (example + 1) * classes.length);
    const other = indexOfLargestBut(own, logits);
    const margin = ((logits[own] ?? 0) - (logits[other] ?? 0)) / temperature;
    return [{ imageId, label, suggestion: classes[other] ?? '', margin }];
  });
}

function indexOfLargestBut(own: number, logits: Float64Array): number {
  let best = own === 0 ? 1 : 0;
  for (let k = 0; k < logits.length; k++) {
    if (k !== own && (logits[k] ?? 0) > (logits[best] ?? 0)) best = k;
  }
  return best;
}
