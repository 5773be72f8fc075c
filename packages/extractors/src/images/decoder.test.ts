import { gradient, grayDigit, pattern, smooth } from '@headwater/testing';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Preprocessing } from '../table/definition.ts';
import { efficientnetLite0 } from '../table/efficientnet-lite0.ts';
import { lenetDigits } from '../table/lenet-digits.ts';
import { decodeImage } from './decoder.ts';
import { defaultLimits } from './limits.ts';

const gray = lenetDigits.preprocessing;
const rgb = efficientnetLite0.preprocessing;

const decode = (image: Uint8Array, preprocessing: Preprocessing) =>
  decodeImage(image, preprocessing, defaultLimits);

/** Mean absolute difference of pixel values. */
function difference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
}

const meanOf = (pixels: Uint8Array) => pixels.reduce((sum, value) => sum + value, 0) / pixels.length;

describe('gray input', () => {
  it('lets a 28 × 28 gray picture through untouched', async () => {
    const raw = await grayDigit().raw().toBuffer();
    expect(Buffer.from(await decode(await grayDigit().png().toBuffer(), gray))).toEqual(raw);
  });

  it('fits the whole of a larger picture in, its aspect kept, on black', async () => {
    const white = pattern(56, 28, () => [255]);
    const pixels = await decode(await white.png().toBuffer(), gray);
    const rows = Array.from({ length: 28 }, (_, y) => meanOf(pixels.subarray(y * 28, (y + 1) * 28)));
    expect(rows.slice(0, 7)).toEqual(Array(7).fill(0));
    expect(rows.slice(7, 21)).toEqual(Array(14).fill(255));
    expect(rows.slice(21)).toEqual(Array(7).fill(0));
  });

  it('lays what is transparent on black', async () => {
    const clear = pattern(28, 28, (x) => [200, x < 14 ? 255 : 0]);
    const pixels = await decode(await clear.toColourspace('b-w').png().toBuffer(), gray);
    expect(pixels[0]).toBe(200);
    expect(pixels[27]).toBe(0);
  });

  it('turns a gray picture that is stored as RGB back into the same grays', async () => {
    const raw = await grayDigit().raw().toBuffer();
    const stored = await grayDigit().toColourspace('srgb').png().toBuffer();
    expect((await sharp(stored).metadata()).channels).toBe(3);
    expect(Buffer.from(await decode(stored, gray))).toEqual(raw);
  });
});

describe('colour input', () => {
  it('keeps the centre of a picture that has the right size already', async () => {
    const pixels = await decode(await gradient(256, 256).png().toBuffer(), rgb);
    const at = (x: number, y: number) => [...pixels.subarray((y * 224 + x) * 3, (y * 224 + x) * 3 + 3)];
    expect(at(0, 0)).toEqual([48, 80, 32]);
    expect(at(223, 0)).toEqual([(239 * 3) % 256, 80, 255]);
    expect(at(5, 200)).toEqual([63, (216 * 5) % 256, 237]);
  });

  it('cuts the sides off a wide picture and the ends off a high one', async () => {
    const marked = (x: number, width: number) => (Math.abs(x - width / 2) < 128 ? [255, 0, 0] : [0, 0, 255]);
    const wide = await decode(
      await pattern(600, 256, (x) => marked(x, 600))
        .png()
        .toBuffer(),
      rgb,
    );
    const high = await decode(
      await pattern(256, 600, (_, y) => marked(y, 600))
        .png()
        .toBuffer(),
      rgb,
    );
    for (const pixels of [wide, high]) expect(meanOf(pixels)).toBeCloseTo(85, 5);
  });

  it('lays what is transparent on white', async () => {
    const clear = await pattern(300, 300, () => [10, 20, 30, 0])
      .png()
      .toBuffer();
    expect(new Set(await decode(clear, rgb))).toEqual(new Set([255]));
  });

  it('turns a picture upright by its EXIF orientation', async () => {
    const upright = await decode(await smooth(400, 300).png().toBuffer(), rgb);
    const turned = await smooth(400, 300).rotate(270).withMetadata({ orientation: 6 }).png().toBuffer();
    expect(await sharp(turned).metadata()).toMatchObject({ orientation: 6, width: 300, height: 400 });
    expect(difference(await decode(turned, rgb), upright)).toBeLessThan(1);
    const ignored = await decode(await smooth(400, 300).rotate(270).png().toBuffer(), rgb);
    expect(difference(ignored, upright)).toBeGreaterThan(20);
  });
});

type Variant = readonly [name: string, encode: (image: Sharp) => Sharp, tolerance: number];

const variants: readonly Variant[] = [
  ['PNG', (image) => image.png(), 0],
  ['interlaced PNG', (image) => image.png({ progressive: true }), 0],
  ['PNG with a palette', (image) => image.png({ palette: true }), 4],
  ['16-bit PNG', (image) => image.toColourspace('rgb16').png(), 1],
  ['PNG with alpha', (image) => image.ensureAlpha().png(), 0],
  ['JPEG', (image) => image.jpeg({ quality: 95 }), 3],
  ['progressive JPEG', (image) => image.jpeg({ quality: 95, progressive: true }), 3],
  ['CMYK JPEG', (image) => image.toColourspace('cmyk').jpeg({ quality: 95 }), 20],
  // WebP is shrunk while it is decoded, which may round the fitted height to the next row.
  ['WebP', (image) => image.webp({ lossless: true }), 6],
  ['GIF', (image) => image.gif(), 6],
  ['TIFF', (image) => image.tiff({ compression: 'lzw' }), 0],
  ['AVIF', (image) => image.avif({ quality: 90 }), 4],
];

/** Encoded once: making the pixels takes longer than any test. */
const original = smooth(320, 280).png().toBuffer();

describe.each(variants)('a %s', (_, encode, tolerance) => {
  it.each([
    ['gray', gray],
    ['colour', rgb],
  ] as const)('decodes to the same picture in %s', async (_name, preprocessing) => {
    const expected = await decode(await original, preprocessing);
    const encoded = await encode(sharp(await original)).toBuffer();
    expect(difference(await decode(encoded, preprocessing), expected)).toBeLessThanOrEqual(tolerance);
  });
});

describe('depth and channels', () => {
  it('reads 16-bit gray and gray with alpha like their 8-bit selves', async () => {
    const expected = await decode(await smooth(64, 64).grayscale().png().toBuffer(), gray);
    const sixteen = await smooth(64, 64).grayscale().toColourspace('grey16').png().toBuffer();
    expect((await sharp(sixteen).metadata()).depth).toBe('ushort');
    expect(difference(await decode(sixteen, gray), expected)).toBeLessThanOrEqual(1);
    const alpha = await smooth(64, 64).grayscale().ensureAlpha().toColourspace('b-w').png().toBuffer();
    expect((await sharp(alpha).metadata()).channels).toBe(2);
    expect(difference(await decode(alpha, gray), expected)).toBeLessThanOrEqual(1);
  });

  it('takes the first frame of an animation', async () => {
    const frames = [20, 120, 220].map((value) => Buffer.alloc(40 * 40 * 3, value));
    const raw = { width: 40, height: 120, channels: 3, pageHeight: 40 } as const;
    for (const format of ['gif', 'webp'] as const) {
      const options =
        format === 'gif' ? { delay: [100, 100, 100] } : { lossless: true, delay: [100, 100, 100] };
      const animation = await sharp(Buffer.concat(frames), { raw })[format](options).toBuffer();
      expect((await sharp(animation, { pages: -1 }).metadata()).pages).toBe(3);
      expect(meanOf(await decode(animation, gray))).toBeCloseTo(20, 0);
    }
  });
});
