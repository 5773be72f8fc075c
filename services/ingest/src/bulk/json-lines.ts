/** JSON Lines: one object a line, `{"imageId", "task", "label", "assignedAt"?, "annotator"?}`; a null label retracts. */
import type { LabelLine, LabelReader } from './api.ts';
import { maxLineBytes } from './api.ts';

const NEWLINE = 0x0a;
const decoder = new TextDecoder('utf-8', { fatal: true });
const fields = new Set(['imageId', 'task', 'label', 'assignedAt', 'annotator']);

export const readJsonLines: LabelReader = async function* (chunks) {
  let line = 0;
  for await (const bytes of splitLines(chunks)) {
    line += 1;
    const parsed =
      bytes === undefined
        ? { line, reason: `the line has more than ${maxLineBytes} bytes` }
        : parseLine(bytes, line);
    if (parsed) yield parsed;
  }
};

/** Lines without their end; undefined stands for one that is too long. Holds no more than one line. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  let pending: Buffer[] = [];
  let length = 0;
  const take = (part: Buffer) => {
    length += part.length;
    if (length <= maxLineBytes) pending.push(part);
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
    take(chunk.subarray(start));
  }
  if (length > 0) yield flush();
}

/** Undefined for a blank line. */
function parseLine(bytes: Buffer, line: number): LabelLine | undefined {
  try {
    const text = decoder.decode(bytes).trim();
    if (text === '') return undefined;
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { line, reason: 'not an object' };
    const unknown = Object.keys(value).find((name) => !fields.has(name));
    if (unknown !== undefined) return { line, reason: 'the object has a field that is not known' };
    const { imageId, task, label, assignedAt, annotator } = value as Record<string, unknown>;
    return { line, input: { imageId, task, label, assignedAt, annotator } };
  } catch (error) {
    return { line, reason: error instanceof TypeError ? 'not UTF-8' : 'not JSON' };
  }
}
