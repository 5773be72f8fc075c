/**
 * Checks of decoded records; a record that fails is a dead letter, and its neighbours go on. A decision
 * depends on the record alone, so that a rebuild decides the same.
 */
import { HeadwaterError } from '@headwater/errors';
import {
  type LabelAssigned,
  labelProblem,
  longestName,
  taskProblem,
  timeProblem,
  type VectorExtracted,
} from '@headwater/schemas';

/**
 * Older records keep the rules of their time: texts of up to 255 bytes, and any time not in the future.
 * `classOfLabel` maps such a text to its class.
 */
export const strictSince = Date.UTC(2026, 10, 29);

/** When a record was written, and the rules that follow; milliseconds since 1970. */
export interface Written {
  readonly isStrict: boolean;
  /** Latest valid time of a label in the record. */
  readonly latest: number;
}

/** `now` replaces a missing timestamp, and one in the future. */
export function writtenAt(timestamp: number, now: number, maxFutureMs: number): Written {
  const at = timestamp > 0 ? Math.min(timestamp, now) : now;
  return { isStrict: at >= strictSince, latest: at + maxFutureMs };
}

/** Errors: record-invalid. */
export function checkLabel(label: LabelAssigned, imageId: string, written: Written): void {
  if (label.imageId !== imageId) throw invalid('the key is not the image id that the label names');
  checkStated(label.task, label.label, written);
  if (Buffer.byteLength(label.annotator) > longestName) {
    throw invalid(`annotator is longer than ${longestName} bytes of UTF-8`);
  }
  checkTime(label.assignedAt, 'assignedAt', written);
}

/** Checks all but the labels that came with the image. Errors: record-invalid. */
export function checkVector(
  vector: VectorExtracted,
  imageId: string,
  extractor: string,
  { isStrict }: Written,
): void {
  if (vector.imageId !== imageId) throw invalid('the key is not the image id that the vector names');
  const { name, version } = vector.extractor;
  if (`${name}.${version}` !== extractor) throw invalid('the vector and its topic differ in the extractor');
  const fault = isStrict ? timeProblem(vector.receivedAt, 'receivedAt') : undefined;
  if (fault !== undefined) throw invalid(fault);
}

/** One label that came with an image. Errors: record-invalid. */
export function checkSourceLabel(
  task: string,
  label: string,
  { receivedAt }: Pick<VectorExtracted, 'receivedAt'>,
  written: Written,
): void {
  checkStated(task, label, written);
  checkTime(receivedAt, 'receivedAt', written);
}

/** The store cannot hold longer keys. Errors: record-invalid. */
export function checkTask(task: string): void {
  refuse(lengthFault(task, 'task'));
}

function checkStated(task: string, label: string | null, { isStrict }: Written): void {
  refuse(isStrict ? taskProblem(task) : lengthFault(task, 'task'));
  if (label !== null) refuse(isStrict ? labelProblem(label) : lengthFault(label, 'label'));
}

function lengthFault(name: string, what: string): string | undefined {
  if (name.length === 0) return `${what} is missing`;
  return Buffer.byteLength(name) > longestName
    ? `${what} is longer than ${longestName} bytes of UTF-8`
    : undefined;
}

/** A label from the far future would override all labels until then. */
function checkTime(time: number, noun: string, { isStrict, latest }: Written): void {
  if (!Number.isSafeInteger(time)) throw invalid(`${noun} must be whole milliseconds since 1970`);
  if (isStrict) refuse(timeProblem(time, noun));
  if (time > latest) throw invalid(`${noun} lies too far after the record’s own timestamp`);
}

function refuse(fault: string | undefined): void {
  if (fault !== undefined) throw invalid(fault);
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('record-invalid', message);
}
