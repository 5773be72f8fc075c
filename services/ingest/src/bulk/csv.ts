/**
 * CSV (RFC 4180) with a header: `imageId,task,label[,assignedAt,annotator]` in any order. No field of a label may hold
 * a line break, so every record is one line, and a quote that is never closed spoils no other. Every label is a text: to
 * retract in bulk, JSON Lines has null.
 */
import { HeadwaterError } from '@headwater/errors';
import type { LabelLine, LabelReader } from './api.ts';
import { readLines } from './lines.ts';

const required = ['imageId', 'task', 'label'];
const known = new Set([...required, 'assignedAt', 'annotator']);

/** Errors: request-invalid for a header that does not fit. */
export const readCsv: LabelReader = async function* (chunks) {
  let header: readonly string[] | undefined;
  for await (const read of readLines(chunks)) {
    if (header) yield 'text' in read ? parseRecord(read.text, read.line, header) : read;
    else header = checkHeader('text' in read ? parseFields(read.text) : undefined);
  }
};

function checkHeader(fields: readonly string[] | undefined): readonly string[] {
  const header = (fields ?? []).map((name) => name.trim());
  const fits = required.every((name) => header.includes(name)) && header.every((name) => known.has(name));
  if (fits && new Set(header).size === header.length) return header;
  throw new HeadwaterError(
    'request-invalid',
    `the first line names the columns: ${required.join(', ')}, and, where they are given, assignedAt and annotator`,
  );
}

function parseRecord(text: string, line: number, header: readonly string[]): LabelLine {
  const fields = parseFields(text);
  if (!fields) return { line, reason: 'the quotes of the line do not pair' };
  if (fields.length !== header.length) {
    return { line, reason: 'the line does not have as many fields as the header' };
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

/** One field and what ends it: quoted, with doubled quotes inside, or plain. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

/** Undefined where quotes do not pair. */
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
