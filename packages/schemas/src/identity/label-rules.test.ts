import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classOfLabel, labelProblem, readLabel, readTask, taskProblem } from './label-rules.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom(
        'c',
        'é',
        'e\u0301',
        '\u212b',
        ' ',
        '\u00a0',
        '\u200b',
        '\u00ad',
        '\ufeff',
        '\u200d',
        '\ufe0f',
        '👩',
        '1',
        'ن',
        '\t',
        '\0',
        '\u1161',
        '\u2028',
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('')),
);

describe('labels', () => {
  it.each([
    '7',
    'cat',
    'Zürich',
    '猫',
    '👩‍👩‍👧',
    '❤️',
    '1️⃣',
    'می‌خواهم',
    'two words',
    'x'.repeat(255),
    '猫'.repeat(85),
  ])('accepts %s', (label) => {
    expect(labelProblem(label)).toBeUndefined();
    expect(readLabel(label)).toBe(label);
  });

  it.each([
    [undefined, 'label is missing'],
    ['', 'label is missing'],
    [7, 'label must be a text in quotation marks, not a number'],
    [['7'], 'label must be a text in quotation marks, not a list'],
    [' cat', 'label begins or ends with white space (U+0020)'],
    ['cat\u00a0', 'label begins or ends with white space (U+00A0)'],
    ['cat\r', 'label has a control character or a line break (U+000D)'],
    ['\tcat', 'label has a control character or a line break (U+0009)'],
    ['c\0at', 'label has a control character or a line break (U+0000)'],
    ['c\u2028at', 'label has a control character or a line break (U+2028)'],
    ['c\u200bat', 'label has an invisible character (U+200B)'],
    ['c\u00adat', 'label has an invisible character (U+00AD)'],
    ['\ufeffcat', 'label has an invisible character (U+FEFF)'],
    ['cat\u200d', 'label has an invisible character (U+200D)'],
    ['cat\ufe0f', 'label has an invisible character (U+FE0F)'],
    ['\ud800', 'label has half of a surrogate pair'],
    ['猫'.repeat(86), 'label is longer than 255 bytes of UTF-8 (258)'],
  ])('rejects %j with the reason', (label, reason) => {
    expect(labelProblem(label)).toBe(reason);
    expect(() => readLabel(label)).toThrow(
      expect.objectContaining({ code: 'request-invalid', message: reason }),
    );
  });

  it('normalizes both encodings of an accented letter to one label', () => {
    expect(readLabel('cafe\u0301')).toBe('caf\u00e9');
    expect(readLabel('\u212bngstro\u0308m')).toBe('\u00c5ngstr\u00f6m');
  });

  it('keeps accepted labels: the class of a label is the label', () => {
    fc.assert(
      fc.property(text, (label) => {
        fc.pre(labelProblem(label) === undefined);
        const read = readLabel(label);
        expect(labelProblem(read)).toBeUndefined();
        expect(readLabel(read)).toBe(read);
        expect(classOfLabel(label)).toBe(read);
      }),
    );
  });

  it('maps every stored label to one class, idempotently', () => {
    fc.assert(
      fc.property(text, (label) => {
        const name = classOfLabel(label);
        expect(name === '').toBe(label === '');
        expect(classOfLabel(name)).toBe(name);
      }),
    );
  });

  it.each(['cat', ' cat', 'cat\r', '\tcat', 'cat\0', 'c\u200bat', 'c\u00adat', '\ufeffcat'])(
    'maps the stored label %j to cat',
    (label) => {
      expect(classOfLabel(label)).toBe('cat');
    },
  );
});

describe('tasks', () => {
  it('accept any visible text of one line', () => {
    for (const task of ['digit', 'Defect.v2', 'a_b-c', 'Qualität', 'is it a cat?', 'a/b'])
      expect(readTask(task)).toBe(task);
  });

  it.each([
    ['', 'task is missing'],
    ['..', 'task is a relative path segment, which no URL can name'],
    ['digit ', 'task begins or ends with white space (U+0020)'],
    ['Qualita\u0308t', 'task is not in normalization form C (NFC)'],
    ['x'.repeat(256), 'task is longer than 255 bytes of UTF-8 (256)'],
  ])('reject %j with the reason', (task, reason) => {
    expect(taskProblem(task)).toBe(reason);
  });
});
