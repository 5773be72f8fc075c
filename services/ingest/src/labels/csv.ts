/**
 * CSV (RFC 4180) with a header: `imageId,task,label[,assignedAt,annotator]` in any order. Fields must not have line
 * breaks, so each record is one line, and an unclosed quote affects that line alone. Every label is a text: to retract
 * labels in bulk, use null in JSON Lines.
 */
import { HeadwaterError } from '@headwater/errors';
import type { BulkLabelLine, LabelReader } from './label-reader.ts';
import { readLines, type TextLine } from './lines.ts';

const required = ['imageId', 'task', 'label'];
const known = new Set([...required, 'assignedAt', 'annotator']);

/** Errors: request-invalid for an invalid header. */
export const readCsv: LabelReader = async function* (chunks) {
  let header: readonly string[] | undefined;
  for await (const read of readLines(chunks)) {
    if (header) yield 'text' in read ? parseRecord(read.text, read.line, header) : read;
    else header = checkHeader(read);
  }
};

function checkHeader(line: TextLine): readonly string[] {
  if (!('text' in line)) throw invalid(line.reason.replace('the line', 'the first line'));
  const header = (parseFields(line.text) ?? []).map((name) => name.trim());
  const fits = required.every((name) => header.includes(name)) && header.every((name) => known.has(name));
  if (fits && new Set(header).size === header.length) return header;
  throw invalid(`${problemOf(line.text, header)}; ${expected}`);
}

const expected = `the first line must name the columns, separated by commas: ${required.join()}, and assignedAt and annotator if they are given`;

/** Describes the problem of an invalid header. */
function problemOf(text: string, header: readonly string[]): string {
  if (/^sep=./i.test(text))
    return `the first line is ${shown(text)}, which a spreadsheet has added: remove it`;
  const separator = ['\t', ';', '|'].find((one) => text.split(one).some((name) => known.has(name.trim())));
  if (header.length === 1 && separator !== undefined) {
    return `the columns are separated by ${separator === '\t' ? 'tabs' : shown(separator)}, not by commas`;
  }
  const missing = required.filter((name) => !header.includes(name));
  if (missing.length === required.length) return `the header is missing: the first line is ${shown(text)}`;
  if (missing.length > 0) return `the header lacks ${missing.join(', ')}`;
  const unknown = header.filter((name) => !known.has(name));
  return unknown.length > 0
    ? `the header has unknown columns: ${shown(unknown.join())}`
    : 'the header names a column twice';
}

/** At most 60 characters, with control characters escaped. */
function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('request-invalid', message);
}

function parseRecord(text: string, line: number, header: readonly string[]): BulkLabelLine {
  const fields = parseFields(text);
  if (!fields) return { line, reason: 'the line has an unmatched quote' };
  if (fields.length !== header.length) {
    return { line, reason: 'the number of fields differs from the header' };
  }
  const row = new Map(header.map((name, index) => [name, fields[index]]));
  const [imageId, task, label] = required.map((name) => row.get(name));
  return {
    line,
    input: {
      imageId,
      task,
      label,
      assignedAt: row.get('assignedAt') || undefined,
      annotator: row.get('annotator') || undefined,
    },
  };
}

/** One field and its separator: quoted, with doubled quotes inside, or plain. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

/** Undefined for an unmatched quote. */
function parseFields(text: string): string[] | undefined {
  const fields: string[] = [];
  FIELD.lastIndex = 0;
  for (;;) {
    const match = FIELD.exec(text);
    if (!match) return undefined;
    const [, quoted, plain = '', end] = match;
    fields.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === '') return fields;
  }
}
