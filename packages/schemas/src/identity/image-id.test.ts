import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compositeKey, parseCompositeKey } from './composite-key.ts';
import { imageIdOfKey, imageIdProblem } from './image-id.ts';

const bad = expect.objectContaining({ code: 'record-invalid' });

describe('image ids', () => {
  it.each([
    'cam-1/2026/11/23.png',
    'a/../b',
    '...',
    '/',
    ' with spaces ',
    'Käfer 猫 👩‍👩‍👧.jpg',
    '%',
    '%2F',
    '100%25',
    '?a=b&c#d;e',
    '\\',
    '"',
    '__proto__',
    '\ufffd',
    'x'.repeat(1_024),
    'ü'.repeat(512),
    '😀'.repeat(256),
  ])('accept %j', (id) => {
    expect(imageIdProblem(id)).toBeUndefined();
    expect(imageIdOfKey(Buffer.from(id))).toBe(id);
  });

  it.each([
    [undefined, 'missing'],
    ['', 'missing'],
    [7, 'must be text'],
    [['a'], 'must be text'],
    ['a\u0000', 'control characters'],
    ['a\nb', 'control characters'],
    ['\u007f', 'control characters'],
    ['\u0085', 'control characters'],
    ['\ud800', 'surrogate'],
    ['\udc00\ud800', 'surrogate'],
    ['x'.repeat(1_025), '1024 bytes'],
    ['ü'.repeat(512).concat('x'), '1024 bytes'],
    ['.', 'relative path segment'],
    ['..', 'relative path segment'],
  ])('reject %j', (id, reason) => {
    expect(imageIdProblem(id)).toContain(reason);
  });

  it.each([
    null,
    Buffer.alloc(0),
    Buffer.from([0xff]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.alloc(1_025, 'x'),
  ])('reject the key %j', (key) => {
    expect(() => imageIdOfKey(key)).toThrow(bad);
  });

  it('map different keys to different ids or reject them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const key = Buffer.from(bytes);
        let id: string;
        try {
          id = imageIdOfKey(key);
        } catch (error) {
          expect(error).toEqual(bad);
          return;
        }
        expect(Buffer.from(id)).toEqual(key);
        expect(parseCompositeKey(compositeKey('e.v1', 't', id))).toEqual(['e.v1', 't', id]);
      }),
    );
  });
});
