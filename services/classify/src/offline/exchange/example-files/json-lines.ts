/**
 * JSON Lines: a header, then an example a line, for people, scripts and version control. The vector is base64
 * of its int16 values, or a list of numbers in files of other programs.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { encodeNumbers } from '../../../join/state/image-bytes.ts';
import type { ExampleFormat, ExampleRow, SetHeader, WritableExample } from './api.ts';
import { checkHeader, checkRow, fail, type RawRow } from './row.ts';

const format = 'headwater-examples';
const formatVersion = 1;
/** Enough for a vector of 65,536 numbers. */
const longestLine = 4 * 1024 * 1024;

export const jsonLines: ExampleFormat = {
  name: 'jsonl',
  extensions: ['.jsonl', '.ndjson'],

  async write(path, header, examples) {
    // Opened first: a stream that fails to open would create its file after the failure was reported.
    const file = await open(path, 'w');
    await pipeline(linesOf(header, examples), file.createWriteStream());
  },

  async readHeader(path) {
    for await (const line of readLines(path)) return parseHeader(line);
    return fail('line 1', 'the file is empty');
  },

  async *read(path) {
    let header: SetHeader | undefined;
    let number = 0;
    for await (const line of readLines(path)) {
      number++;
      if (header === undefined) header = parseHeader(line);
      else if (line.trim() !== '') yield rowOf(line, header, `line ${number}`);
    }
  },
};

async function* linesOf(header: SetHeader, examples: AsyncIterable<WritableExample>): AsyncGenerator<string> {
  yield `${JSON.stringify({ format, formatVersion, ...header })}\n`;
  for await (const { imageId, label, assignedAt, annotator, group, vector } of examples) {
    const numbers = encodeNumbers(vector).toString('base64');
    yield `${JSON.stringify({ imageId, label, assignedAt, annotator, group, vector: numbers })}\n`;
  }
}

function parseHeader(line: string): SetHeader {
  const header = parse(line, 'line 1');
  if (header.format !== format || header.formatVersion !== formatVersion) {
    fail(
      'line 1',
      `expected a header: {"format":"${format}","formatVersion":${formatVersion},"extractor":…}`,
    );
  }
  return checkHeader(header, 'line 1');
}

function rowOf(line: string, header: SetHeader, where: string): ExampleRow {
  return checkRow(parse(line, where), header, where);
}

function parse(line: string, where: string): RawRow {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as RawRow;
  } catch {
    // The error below replaces the parser's message, which would show the payload.
  }
  return fail(where, 'is not a JSON object');
}

/** Lines without line ends. Errors: record-invalid for a line that is too long. */
async function* readLines(path: string): AsyncGenerator<string> {
  const chunks = createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 });
  let rest = '';
  let number = 1;
  for await (const chunk of chunks as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      yield line.endsWith('\r') ? line.slice(0, -1) : line;
      number++;
    }
    if (rest.length > longestLine) fail(`line ${number}`, `is longer than ${longestLine} characters`);
  }
  if (rest !== '') yield rest;
}
