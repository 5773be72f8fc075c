/** Splits a body of any length into lines, in bounded memory. A line that is too long, or not UTF-8, is rejected alone. */
import { HeadwaterError } from '@headwater/errors';

export type TextLine =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly reason: string };

/** Longer than any valid line; the rest of a longer one is dropped to bound memory. */
const maxLineBytes = 16 * 1024;

const NEWLINE = 0x0a;
const carriageReturn = 0x0d;
/** Removed at the start of the body alone; elsewhere it is part of the text. */
const byteOrderMark = /^\ufeff/;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Yields the lines that are not blank, without their line breaks; lines count from 1.
 * Errors: request-invalid where the first line is UTF-16, or has CR line endings.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<TextLine> {
  let line = 0;
  for await (const { bytes, isTooLong } of splitLines(chunks)) {
    line += 1;
    if (line === 1) checkStart(bytes);
    const read = isTooLong ? tooLong(line) : decodeLine(bytes, line);
    if (!('text' in read) || read.text.trim() !== '') yield read;
  }
}

function tooLong(line: number): TextLine {
  return { line, reason: `the line has more than ${maxLineBytes} bytes` };
}

/** Errors: request-invalid, with the problem and the remedy. */
function checkStart(bytes: Buffer): void {
  const mark = bytes.toString('hex', 0, 2);
  const isUtf16 = mark === 'fffe' || mark === 'feff' || (bytes.includes(0) && bytes.length > 1);
  if (isUtf16) throw invalid('the body is UTF-16; save it as UTF-8 and send it again');
  const end = bytes.indexOf(carriageReturn);
  if (end !== -1 && end < bytes.length - 1) {
    throw invalid('lines end with CR alone; they must end with LF or CRLF');
  }
}

function decodeLine(bytes: Buffer, line: number): TextLine {
  try {
    const text = decoder.decode(bytes).replace(/\r$/, '');
    return { line, text: line === 1 ? text.replace(byteOrderMark, '') : text };
  } catch {
    return { line, reason: 'the line is not UTF-8' };
  }
}

interface Line {
  /** At most `maxLineBytes` from its beginning. */
  readonly bytes: Buffer;
  readonly isTooLong: boolean;
}

/** Holds at most one line, cut at the limit. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let pending: Buffer[] = [];
  let length = 0;
  const take = (part: Buffer) => {
    const room = maxLineBytes - length;
    if (room > 0) pending.push(part.subarray(0, room));
    length += part.length;
  };
  const flush = (): Line => {
    const line = { bytes: Buffer.concat(pending), isTooLong: length > maxLineBytes };
    pending = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end));
      yield flush();
      start = end + 1;
    }
    if (start < chunk.length) take(chunk.subarray(start));
  }
  if (length > 0) yield flush();
}

function invalid(message: string): HeadwaterError {
  return new HeadwaterError('request-invalid', message);
}
