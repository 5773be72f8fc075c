import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compositeKey, parseCompositeKey } from './composite-key.ts';

describe('composite keys', () => {
  it('percent-encode their parts and join them by a slash', () => {
    expect(compositeKey('lenet-digits.v1', 'a/b %', 'é', 7)).toBe('lenet-digits.v1/a%2Fb%20%25/%C3%A9/7');
  });

  it('return their parts and are unique for each list of parts', () => {
    const parts = fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 });
    fc.assert(
      fc.property(parts, (list) => {
        expect(parseCompositeKey(compositeKey(...list))).toEqual(list);
      }),
    );
  });

  it.each(['a/%', 'a/%zz', 'a/%ff', 'a/%61', 'a b', 'a/%c3%a9'])(
    'reject %s, which has another encoding',
    (key) => {
      expect(() => parseCompositeKey(key)).toThrow(expect.objectContaining({ code: 'record-invalid' }));
    },
  );

  it('reject half of a surrogate pair', () => {
    expect(() => compositeKey('\ud800')).toThrow(expect.objectContaining({ code: 'record-invalid' }));
  });
});
