/**
 * Labels that come with an image. An invalid one does not affect the vector or the prediction: it is removed
 * from the vector, and becomes a dead letter in the form of a record of `labels`.
 */
import { asHeadwaterError, type HeadwaterError } from '@headwater/errors';
import { deadLetterHeaders, type LogRecord, type OutgoingRecord } from '@headwater/log';
import type { Codec, LabelAssigned, VectorExtracted } from '@headwater/schemas';
import type { StateReader } from '../store/state.ts';
import { checkSourceLabel, type Written } from './record-checks.ts';
import { type Limits, requireCapacity } from './state/partition-counts.ts';

/** Stage of such a label in its dead letter and in the log. */
export const refusedLabelStage = 'join-source-label';

export interface RefusedLabel {
  readonly label: LabelAssigned;
  readonly error: HeadwaterError;
}

export interface SortedLabels {
  /** The vector with its valid labels. */
  readonly vector: VectorExtracted;
  readonly refused: readonly RefusedLabel[];
}

/**
 * Errors: record-invalid and limit-exceeded for a bad label in an older record: its vector was a dead letter
 * then, and stays one in a rebuild.
 */
export function sortLabels(
  vector: VectorExtracted,
  written: Written,
  state: StateReader,
  limits: Limits,
): SortedLabels {
  const kept: [string, string][] = [];
  const refused: RefusedLabel[] = [];
  for (const [task, label] of Object.entries(vector.labels)) {
    try {
      checkSourceLabel(task, label, vector, written);
      requireCapacity(state, limits, task, label);
      kept.push([task, label]);
    } catch (thrown) {
      const error = asHeadwaterError(thrown);
      if (error.verdict !== 'dead-letter' || !written.isStrict) throw error;
      refused.push({ label: statementOf(vector, task, label), error });
    }
  }
  return { vector: refused.length === 0 ? vector : { ...vector, labels: Object.fromEntries(kept) }, refused };
}

function statementOf(
  { imageId, receivedAt, source }: VectorExtracted,
  task: string,
  label: string,
): LabelAssigned {
  return { imageId, task, label, assignedAt: receivedAt, annotator: source };
}

/** Without the headers of a source record: the vector was processed, so there is nothing to retry. */
export function refusedLabelRecord(
  { label, error }: RefusedLabel,
  { topic, group, codec, cause }: RefusedLabelTarget,
): OutgoingRecord {
  const headers = {
    [deadLetterHeaders.stage]: refusedLabelStage,
    [deadLetterHeaders.className]: group,
    [deadLetterHeaders.exceptionClass]: error.code,
    [deadLetterHeaders.exceptionMessage]: `a label that came with the image: ${error.message}`,
  };
  return { topic, key: label.imageId, value: codec.encode(label), headers, cause };
}

export interface RefusedLabelTarget {
  /** Topic of dead letters of `labels`. */
  readonly topic: string;
  readonly group: string;
  readonly codec: Codec<LabelAssigned>;
  readonly cause: LogRecord;
}
