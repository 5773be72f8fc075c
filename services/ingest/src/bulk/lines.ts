/** Lines of a body that may be of any length, in bounded memory: what is too long, or not UTF-8, is one bad line. */

export type TextLine =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly reason: string };

/** Nobody's label is longer; what is, is dropped before it fills the memory. */
export const maxLineBytes = 16 * 1024;

const NEWLINE = 0x0a;
/** Elsewhere than at the very beginning it is a part of the text. */
const byteOrderMark = /^\ufeff/;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Every line that is not blank, without its line break; lines count from 1. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<TextLine> {
  let line = 0;
  for await (const bytes of splitLines(chunks)) {
    line += 1;
    const read = decodeLine(bytes, line);
    if (!('text' in read) || read.text.trim() !== '') yield read;
  }
}

function decodeLine(bytes: Buffer | undefined, line: number): TextLine {
  if (!bytes) return { line, reason: `the line has more than ${maxLineBytes} bytes` };
  try {
    const text = decoder.decode(bytes).replace(/\r$/, '');
    return { line, text: line === 1 ? text.replace(byteOrderMark, '') : text };
  } catch {
    return { line, reason: 'the line is not UTF-8' };
  }
}

/** Undefined stands for a line that is too long. Holds no more than one line. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  let pending: Buffer[] = [];
  let length = 0;
  const take = (part: Buffer) => {
    length += part.length;
    if (length <= maxLineBytes) pending.push(part);
    else pending = [];
  };
  const flush = () => {
    const bytes = length > maxLineBytes ? undefined : Buffer.concat(pending);
    pending = [];
    length = 0;
    return bytes;
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
