import { describe, expect, it } from 'vitest';
import {
  checkAnnotator,
  checkAttributes,
  checkGroup,
  checkImageId,
  checkLabel,
  checkSource,
  checkTask,
} from './identifiers.ts';

const accepts = (check: (value: unknown) => string, value: unknown) => {
  try {
    return check(value) === value;
  } catch (error) {
    expect(error).toMatchObject({ code: 'request-invalid' });
    return false;
  }
};

describe('image ids', () => {
  it.each(['a', '9f'.repeat(32), 'cam-1/2026/11/23.png', 'a b', 'ü'.repeat(512)])('take %s', (id) => {
    expect(accepts(checkImageId, id)).toBe(true);
  });

  it.each(['', '.', '..', 'a\n', 'ü'.repeat(513), '\ud800', 7, null, undefined, ['a']])('refuse %j', (id) => {
    expect(accepts(checkImageId, id)).toBe(false);
  });
});

describe('labels', () => {
  it.each(['7', 'cat', 'Zürich', '猫', '👩‍👩‍👧', 'two words', 'x'.repeat(255), '😀'.repeat(63)])(
    'take %s',
    (label) => {
      expect(accepts(checkLabel, label)).toBe(true);
    },
  );

  it.each(['', ' ', ' a', 'a ', 'a\tb', 'a\u0000', 'a\u2028b', 'x'.repeat(256), '\ud800', null, 7])(
    'refuse %j',
    (label) => {
      expect(accepts(checkLabel, label)).toBe(false);
    },
  );
});

it('tasks, annotators, sources and groups follow the rule of labels', () => {
  for (const check of [checkTask, checkAnnotator, checkSource, checkGroup]) {
    expect(['digit', 'Defect.v2', 'Qualität', 'a b'].every((text) => accepts(check, text))).toBe(true);
    expect(['', ' a', 'a\u200b', 'a\n', 'x'.repeat(256)].some((text) => accepts(check, text))).toBe(false);
  }
});

it('attributes are few, named like tasks, and short', () => {
  expect(checkAttributes([['camera.model', 'X 100\nmark II']])).toEqual({ 'camera.model': 'X 100\nmark II' });
  const many = Array.from({ length: 33 }, (_, index) => [`a${index}`, 'x'] as const);
  for (const bad of [many, [['a b', 'x']], [['a', 'x'.repeat(1_025)]], [['a', 7]]] as const) {
    expect(() => checkAttributes(bad as never)).toThrow(expect.objectContaining({ code: 'request-invalid' }));
  }
});

describe('rejected texts', () => {
  it('reports the problem of an image id', () => {
    expect(() => checkImageId(7)).toThrow('image id must be text');
    expect(() => checkImageId('..')).toThrow('image id is a relative path segment, which no URL can name');
  });

  it.each([
    [undefined, 'label is missing'],
    ['', 'label is missing'],
    [7, 'label must be a text in quotation marks, not a number'],
    [['7'], 'label must be a text in quotation marks, not a list'],
    ['a\n', 'label has a control character or a line break (U+000A)'],
  ])('says what is wrong with %j', (label, message) => {
    expect(() => checkLabel(label)).toThrow(message);
  });
});
