import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { formatOf, imageFormats } from './index.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const typeOf = (image: Buffer) => formatOf(image)?.mediaType;

describe('the format of a file', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)(
    'is found by the bytes of a %s',
    async (format) => {
      const image = sharp({ create: { width: 20, height: 20, channels: 3, background: 'teal' } });
      expect(typeOf(await image[format]().toBuffer())).toBe(`image/${format}`);
    },
  );

  it('can be a compatible brand of an AVIF', () => {
    expect(typeOf(bytes('\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf'))).toBe('image/avif');
    expect(typeOf(bytes('\0\0\0\x14ftypmif1avif\0\0\0\0'))).toBeUndefined();
    expect(typeOf(bytes('\0\0\0\x14ftypmif1\0\0\0\0mif1avif'))).toBeUndefined();
  });

  it('is undefined for too few bytes', () => {
    for (const text of ['', '\xff\xd8', 'RIFF', 'GIF8', '\0\0\0\x18ftyp']) {
      expect(typeOf(bytes(text))).toBeUndefined();
    }
  });

  it('is detected in a view of a larger buffer', () => {
    expect(typeOf(bytes('xxxxGIF89a trailing').subarray(4))).toBe('image/gif');
  });

  it('is at most one for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (any) => {
        return imageFormats.filter((format) => format.matches(Buffer.from(any))).length <= 1;
      }),
    );
  });
});
