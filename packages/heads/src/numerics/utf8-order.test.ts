import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareUtf8 } from './utf8-order.ts';

const text = fc.string({ unit: 'binary', maxLength: 6 });

it('compareUtf8 orders strings as Buffer.compare orders their UTF-8 bytes', () => {
  fc.assert(
    fc.property(text, text, text, (prefix, a, b) => {
      const expected = Buffer.compare(Buffer.from(prefix + a), Buffer.from(prefix + b));
      expect(Math.sign(compareUtf8(prefix + a, prefix + b))).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

it('compareUtf8 puts characters beyond the basic plane last, unlike UTF-16 order', () => {
  expect(['\u{1f600}', '\uffee', 'z', ''].sort(compareUtf8)).toEqual(['', 'z', '\uffee', '\u{1f600}']);
});
