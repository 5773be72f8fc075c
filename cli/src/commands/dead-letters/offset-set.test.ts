import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OffsetSet } from './offset-set.ts';

it('has the added offsets in any order, and round-trips as text', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: 60n })), (offsets) => {
      const set = new OffsetSet();
      for (const offset of offsets) set.add(offset);
      const read = set.isEmpty ? set : new OffsetSet().addText(set.toString());
      for (let offset = 0n; offset <= 61n; offset++) {
        expect([set.has(offset), read?.has(offset)]).toEqual(Array(2).fill(offsets.includes(offset)));
      }
    }),
  );
});

it('writes ranges, and reads nothing else', () => {
  expect(new OffsetSet().addText('7,3-5,4-6')?.toString()).toBe('3-7');
  for (const text of ['', '1-', 'a', '1,,2', '1-2-3']) expect(new OffsetSet().addText(text)).toBeUndefined();
});
