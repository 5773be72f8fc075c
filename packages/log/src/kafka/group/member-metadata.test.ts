import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMetadata, encodeMetadata } from './member-metadata.ts';

describe('the metadata of a group member', () => {
  it('keeps partitions, address and stores', () => {
    const store = fc.tuple(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    const stores = fc.array(store, { minLength: 1 }).map((entries) => new Map(entries));
    const metadata = fc.record({
      former: fc.array(fc.nat()),
      address: fc.option(fc.webUrl(), { nil: undefined }),
      stored: fc.option(stores, { nil: undefined }),
    });
    fc.assert(
      fc.property(metadata, (expected) => {
        expect(decodeMetadata(encodeMetadata(expected))).toEqual(expected);
      }),
    );
  });

  it('counts a member of another version, or with invalid metadata, as new', () => {
    const invalid = [
      '',
      '\u00010,1',
      '\u0002',
      '\u0002{',
      '\u0002null',
      '\u0002[1]',
      '\u0002{"former":[-1,"2"]}',
    ];
    for (const text of invalid) expect(decodeMetadata(Buffer.from(text))).toEqual({ former: [] });
    expect(decodeMetadata(undefined)).toEqual({ former: [] });
  });

  it('ignores invalid entries of stores', () => {
    const text =
      '\u0002{"former":[1],"stored":[[0,"5"],[1,7],["2","3"],[-1,"1"],[3,"-1"],[4,"1e3"],null,[5]]}';
    expect(decodeMetadata(Buffer.from(text))).toEqual({ former: [1], stored: new Map([[0, 5n]]) });
    expect(decodeMetadata(Buffer.from('\u0002{"former":[1],"stored":{"0":"5"}}'))).toEqual({ former: [1] });
  });

  it('ignores bytes that no member writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeMetadata(Buffer.from([2, ...bytes])).former).toEqual([]);
      }),
    );
  });
});
