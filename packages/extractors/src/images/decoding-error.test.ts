import { smooth } from '@headwater/testing';
import { describe, expect, it } from 'vitest';
import { lenetDigits } from '../table/lenet-digits.ts';
import { decodeImage } from './decoder.ts';
import { decodingError } from './decoding-error.ts';
import { defaultLimits } from './limits.ts';

const errorOf = (reason: string) => decodingError(new Error(reason), 'image/tiff');

describe('the reason of a decoder', () => {
  it.each([
    [
      'tiff2vips: LERC compression support is not configured\ntiff2vips: read error',
      'image-type-unsupported',
    ],
    ["vips_colourspace: no known route from 'multiband' to 'srgb'", 'image-type-unsupported'],
    ['VipsJpeg: Unsupported JPEG data precision 12', 'image-type-unsupported'],
    ['Input buffer contains unsupported image format', 'image-unreadable'],
    ['VipsJpeg: premature end of JPEG image', 'image-unreadable'],
    ['Input image exceeds pixel limit', 'image-too-large'],
    ['timeout: 35% complete', 'extractor-failed'],
  ])('%s gives the right code', (reason, code) => {
    expect(errorOf(reason).code).toBe(code);
  });

  it('stands in the message, once and without control characters', () => {
    const { message } = errorOf('tiff2vips: read\u0007 error\ntiff2vips: read error');
    expect(message).toBe('the image/tiff file is damaged or cut short: tiff2vips: read  error');
  });

  it('reaches the caller', async () => {
    const png = await smooth(60, 40).png().toBuffer();
    const data = png.indexOf('IDAT') + 20;
    png[data] = (png[data] ?? 0) ^ 0xff;
    const { preprocessing } = lenetDigits;
    await expect(decodeImage(png, preprocessing, defaultLimits)).rejects.toMatchObject({
      code: 'image-unreadable',
      message: expect.stringMatching(/^the image\/png file is damaged or cut short: \S+/),
    });
  });
});
