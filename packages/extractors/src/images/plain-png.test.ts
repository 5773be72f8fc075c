import { grayDigit, pattern } from '@headwater/testing';
import fc from 'fast-check';
import sharp, { type PngOptions } from 'sharp';
import { describe, expect, it } from 'vitest';
import { efficientnetLite0 } from '../table/efficientnet-lite0.ts';
import { lenetDigits } from '../table/lenet-digits.ts';
import { decodeImage } from './decoder.ts';
import { defaultLimits } from './limits.ts';
import { readPlainPng } from './plain-png.ts';

const { preprocessing } = lenetDigits;

function toPng(pixels: Uint8Array, options: PngOptions = {}): Promise<Buffer> {
  const image = sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } });
  return image.toColourspace('b-w').png(options).toBuffer();
}

/** Smooth enough that encoders choose every kind of filter. */
const pictures = fc
  .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 1, max: 40 }))
  .map(([a, b, c]) =>
    Uint8Array.from({ length: 784 }, (_, at) => a * (at % 28) + b * (at / 28) + (at % c) * (at % 7)),
  );

describe('a plain PNG', () => {
  it('is read as its encoder had it, whatever the filters and the compression', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(pictures, fc.uint8Array({ minLength: 784, maxLength: 784 })),
        fc.boolean(),
        fc.integer({ min: 0, max: 9 }),
        async (pixels, adaptiveFiltering, compressionLevel) => {
          const png = await toPng(pixels, { adaptiveFiltering, compressionLevel });
          expect(readPlainPng(png, preprocessing)).toEqual(pixels);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is not touched where a byte is wrong, missing or too much', async () => {
    const png = await grayDigit().png().toBuffer();
    const whole = readPlainPng(png, preprocessing);
    expect(whole).toHaveLength(784);
    for (let at = 0; at < png.length; at += 1) {
      const damaged = Buffer.from(png);
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      // The signature was looked at before.
      expect(readPlainPng(damaged, preprocessing)).toEqual(at < 8 ? whole : undefined);
      expect(readPlainPng(png.subarray(0, at), preprocessing)).toBeUndefined();
    }
    expect(readPlainPng(Buffer.concat([png, png]), preprocessing)).toBeUndefined();
  });

  it.each([
    ['another size', () => pattern(29, 28, () => [7]).png()],
    ['colour', () => pattern(28, 28, () => [7, 8, 9]).png()],
    [
      'alpha',
      () =>
        pattern(28, 28, () => [7, 8])
          .toColourspace('b-w')
          .png(),
    ],
    ['16 bits', () => grayDigit().toColourspace('grey16').png()],
    ['interlacing', () => grayDigit().png({ progressive: true })],
    ['an orientation', () => grayDigit().withMetadata({ orientation: 6 }).png()],
    ['another format', () => grayDigit().jpeg()],
  ])('with %s goes the ordinary way', async (_, make) => {
    const image = await make().toBuffer();
    expect(readPlainPng(image, preprocessing)).toBeUndefined();
    expect(await decodeImage(image, preprocessing, defaultLimits)).toHaveLength(784);
  });

  it('is of no use to a net that takes colour', async () => {
    expect(readPlainPng(await grayDigit().png().toBuffer(), efficientnetLite0.preprocessing)).toBeUndefined();
  });
});
