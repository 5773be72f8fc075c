/** The rules that a well-formed record must still keep; what breaks one is a dead letter, and its neighbours go on. */
import { HeadwaterError } from '@headwater/errors';
import type { LabelAssigned, VectorExtracted } from '@headwater/schemas';

/** UTF-8 bytes of a task, a label, an annotator: the first two are parts of keys. */
export const longestName = 255;

/** Errors: record-invalid. */
export function checkLabel(label: LabelAssigned, imageId: string, latest: number): void {
  if (label.imageId !== imageId) throw invalid('The key is not the image id that the label names');
  checkTask(label.task);
  if (label.label !== null) checkName(label.label, 'label');
  if (Buffer.byteLength(label.annotator) > longestName) throw invalid('The annotator’s name is too long');
  checkTime(label.assignedAt, latest, 'assignedAt');
}

/** Errors: record-invalid. */
export function checkVector(
  vector: VectorExtracted,
  imageId: string,
  extractor: string,
  latest: number,
): void {
  if (vector.imageId !== imageId) throw invalid('The key is not the image id that the vector names');
  const { name, version } = vector.extractor;
  if (`${name}.${version}` !== extractor) throw invalid('The vector is of another extractor than its topic');
  for (const [task, label] of Object.entries(vector.labels)) {
    checkTask(task);
    checkName(label, 'label');
  }
  if (Object.keys(vector.labels).length > 0) checkTime(vector.receivedAt, latest, 'receivedAt');
}

/** A store takes no longer keys, and would stop for one. Errors: record-invalid. */
export function checkTask(task: string): void {
  checkName(task, 'task');
}

function checkName(name: string, what: string): void {
  if (name.length === 0) throw invalid(`The ${what} is empty`);
  if (Buffer.byteLength(name) > longestName) throw invalid(`The ${what} is longer than ${longestName} bytes`);
}

/** A label from the far future would win over all that people say until then. */
function checkTime(time: number, latest: number, what: string): void {
  if (!Number.isSafeInteger(time)) throw invalid(`${what} is not a time`);
  if (time > latest) throw invalid(`${what} lies too far after the record’s own timestamp`);
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('record-invalid', message);
}
