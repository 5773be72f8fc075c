import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMetadata, encodeMetadata } from './member-metadata.ts';

describe('the metadata of a group member', () => {
  it('keeps partitions and address', () => {
    const metadata = fc.record({
      former: fc.array(fc.nat()),
      address: fc.option(fc.webUrl(), { nil: undefined }),
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

  it('ignores bytes that no member writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeMetadata(Buffer.from([2, ...bytes])).former).toEqual([]);
      }),
    );
  });
});
