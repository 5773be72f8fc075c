/**
 * CSV (RFC 4180) with a header: `imageId,task,label[,assignedAt,annotator]` in any order. Every label is a text: to
 * retract in bulk, JSON Lines has null.
 */
import { Readable } from 'node:stream';
import { HeadwaterError } from '@headwater/errors';
import { type CsvError, parse } from 'csv-parse';
import type { LabelLine, LabelReader } from './api.ts';
import { maxLineBytes } from './api.ts';

const required = ['imageId', 'task', 'label'];
const known = new Set([...required, 'assignedAt', 'annotator']);

type Row = Readonly<Record<string, string>>;

/** Errors: request-invalid for a header that does not fit. */
export const readCsv: LabelReader = async function* (chunks) {
  const bad: LabelLine[] = [];
  const parser = parse({
    bom: true,
    columns: checkHeader,
    info: true,
    max_record_size: maxLineBytes,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      if (error) bad.push({ line: Number(error.lines ?? 0), reason: reasonOf(error) });
      return undefined;
    },
  });
  const source = Readable.from(chunks);
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Row; info: { lines: number } }>) {
      yield* bad.splice(0);
      const { imageId, task, label, assignedAt, annotator } = record;
      yield { line: info.lines, input: { imageId, task, label, assignedAt, annotator } };
    }
    yield* bad.splice(0);
  } finally {
    source.destroy();
  }
};

function checkHeader(names: readonly string[]): string[] {
  const header = names.map((name) => name.trim());
  const fits = required.every((name) => header.includes(name)) && header.every((name) => known.has(name));
  if (fits && new Set(header).size === header.length) return header;
  throw new HeadwaterError(
    'request-invalid',
    `the first line names the columns: ${required.join(', ')}, and, where they are given, assignedAt and annotator`,
  );
}

/** In our words: the parser's own repeat the line. */
function reasonOf({ code }: CsvError): string {
  if (code === 'CSV_MAX_RECORD_SIZE') return `the line has more than ${maxLineBytes} bytes`;
  if (code.startsWith('CSV_RECORD_INCONSISTENT'))
    return 'the line does not have as many fields as the header';
  return 'the quotes of the line do not pair';
}
