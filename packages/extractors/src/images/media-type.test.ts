import { describe, expect, it } from 'vitest';
import { smooth } from '../fixtures/sample-images.ts';
import { detectMediaType } from './media-type.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('the media type', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)(
    'of a %s is found by its bytes',
    async (format) => {
      expect(detectMediaType(await smooth(20, 20)[format]().toBuffer())).toBe(`image/${format}`);
    },
  );

  it('of an AVIF may stand among the compatible brands', () => {
    expect(detectMediaType(bytes('\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf'))).toBe('image/avif');
    expect(detectMediaType(bytes('\0\0\0\x14ftypmif1avif\0\0\0\0'))).toBeUndefined();
    expect(detectMediaType(bytes('\0\0\0\x14ftypmif1\0\0\0\0mif1avif'))).toBeUndefined();
  });

  it('is undefined for what is too short to tell', () => {
    for (const text of ['', '\xff\xd8', 'RIFF', 'GIF8', '\0\0\0\x18ftyp']) {
      expect(detectMediaType(bytes(text))).toBeUndefined();
    }
  });

  it('is found in a view of a larger buffer', () => {
    const larger = bytes('xxxxGIF89a trailing');
    expect(detectMediaType(larger.subarray(4))).toBe('image/gif');
  });
});
