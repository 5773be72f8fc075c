/** Checks of a row of any format; a message names the row and the field. */
import { HeadwaterError } from '@headwater/errors';
import { imageIdProblem, labelProblem, longestName, taskProblem, timeProblem } from '@headwater/schemas';
import { decodeNumbers } from '../../../join/state/image-bytes.ts';
import type { ExampleRow, SetHeader } from './api.ts';

const largestEntry = 8192;
/** As in vector contracts. */
const mostDimensions = 65_536;

/** An unchecked row. */
export type RawRow = Readonly<Record<string, unknown>>;

/** Errors: record-invalid. */
export function checkRow(row: RawRow, header: SetHeader, where: string): ExampleRow {
  const imageId = imageIdOf(row.imageId, where);
  const label = unless(labelProblem(row.label), row.label, where);
  const annotator = row.annotator == null ? '' : textOf(row.annotator, 'annotator', longestName, where, true);
  const group = row.group == null ? null : textOf(row.group, 'group', longestName, where, true);
  for (const field of ['extractor', 'task'] as const) {
    if (row[field] != null && row[field] !== header[field]) fail(where, `${field} is not ${header[field]}`);
  }
  const vector = vectorOf(row.vector, where);
  if (vector.length !== header.dimensions) {
    fail(where, `the vector has ${vector.length} dimensions, not ${header.dimensions}`);
  }
  return { where, imageId, label, assignedAt: timeOf(row.assignedAt, where), annotator, group, vector };
}

/** Errors: record-invalid. */
export function checkHeader(header: RawRow, where: string): SetHeader {
  const { dimensions, examples = null, setDigest = null } = header;
  if (
    typeof dimensions !== 'number' ||
    !Number.isInteger(dimensions) ||
    dimensions < 1 ||
    dimensions > mostDimensions
  ) {
    fail(where, `dimensions must be a number from 1 to ${mostDimensions}`);
  }
  if (examples !== null && !(Number.isSafeInteger(examples) && (examples as number) >= 0)) {
    fail(where, 'examples must be a count');
  }
  if (setDigest !== null && !/^[0-9a-f]{64}$/.test(String(setDigest))) {
    fail(where, 'setDigest must be 64 hexadecimal digits');
  }
  return {
    extractor: textOf(header.extractor, 'extractor', longestName, where),
    task: unless(taskProblem(header.task), header.task, where),
    dimensions,
    examples: examples as number | null,
    setDigest: setDigest as string | null,
  };
}

/** Derives the header from the first row, for files of other programs. Errors: record-invalid. */
export function headerOf(first: RawRow | undefined, where: string): SetHeader {
  if (first === undefined) fail(where, 'it has neither rows nor a header');
  const { extractor, task } = first;
  return checkHeader({ extractor, task, dimensions: vectorOf(first.vector, where).length }, where);
}

function imageIdOf(value: unknown, where: string): string {
  return unless(imageIdProblem(value), value, where);
}

function unless(fault: string | undefined, text: unknown, where: string): string {
  return fault === undefined ? (text as string) : fail(where, fault);
}

function textOf(value: unknown, field: string, longest: number, where: string, mayBeEmpty = false): string {
  if (typeof value !== 'string' || !isWellFormed(value)) fail(where, `${field} must be text`);
  if (value.length === 0 && !mayBeEmpty) fail(where, `${field} is empty`);
  if (Buffer.byteLength(value) > longest) fail(where, `${field} is longer than ${longest} bytes`);
  return value;
}

function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text;
}

function timeOf(value: unknown, where: string): number {
  const time = value instanceof Date ? value.getTime() : typeof value === 'bigint' ? Number(value) : value;
  const fault = timeProblem(time, 'assignedAt');
  return fault === undefined ? (time as number) : fail(where, fault);
}

/** Bytes (int16, little-endian), their base64, or a list of floats. */
function vectorOf(value: unknown, where: string): Int16Array | Float32Array {
  if (value instanceof Uint8Array) return quantizedOf(value, where);
  if (typeof value === 'string') return quantizedOf(base64Of(value, where), where);
  if (value instanceof Float32Array || value instanceof Float64Array || Array.isArray(value))
    return floatsOf(value, where);
  return fail(where, 'vector must be base64 of int16 values, or a list of numbers');
}

function base64Of(text: string, where: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) fail(where, 'vector is not base64');
  return bytes;
}

function quantizedOf(bytes: Uint8Array, where: string): Int16Array {
  if (bytes.length % 2 !== 0) fail(where, 'vector does not consist of int16 values');
  const vector = decodeNumbers(bytes);
  if (vector.some((entry) => Math.abs(entry) > largestEntry)) {
    fail(where, `vector has entries beyond ±${largestEntry}`);
  }
  return vector;
}

function floatsOf(numbers: ArrayLike<unknown>, where: string): Float32Array {
  const vector = Float32Array.from(
    Array.from(numbers, (value) => (typeof value === 'number' ? value : Number.NaN)),
  );
  if (vector.some((value) => !Number.isFinite(value))) fail(where, 'vector has entries that are not numbers');
  return vector;
}

export function fail(where: string, why: string): never {
  throw new HeadwaterError('record-invalid', `${where}: ${why}`);
}
