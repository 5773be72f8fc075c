/** JSON Lines: one object a line, `{"imageId", "task", "label", "assignedAt"?, "annotator"?}`; a null label retracts. */
import type { BulkLabelLine, LabelReader } from './label-reader.ts';
import { readLines } from './lines.ts';

const fields = new Set(['imageId', 'task', 'label', 'assignedAt', 'annotator']);

export const readJsonLines: LabelReader = async function* (chunks) {
  for await (const read of readLines(chunks)) yield 'text' in read ? parseObject(read.text, read.line) : read;
};

function parseObject(text: string, line: number): BulkLabelLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line, reason: 'the line is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, reason: 'the line is not an object' };
  }
  if (Object.keys(value).some((name) => !fields.has(name))) {
    return { line, reason: 'the object has an unknown field' };
  }
  const { imageId, task, label, assignedAt, annotator } = value as Record<string, unknown>;
  return { line, input: { imageId, task, label, assignedAt, annotator } };
}
