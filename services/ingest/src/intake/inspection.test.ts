import { HeadwaterError } from '@headwater/errors';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Format, formats, makePicture, makePngBomb, svg } from '../testing/pictures.ts';
import { inspectImage } from './inspection.ts';

const limits = { maxBytes: 1_000_000, maxPixels: 50_000_000 };
const codeOf = (bytes: Buffer, given = limits) =>
  inspectImage(bytes, given).then(
    () => 'accepted',
    (error: HeadwaterError) => error.code,
  );

describe('looking at the bytes', () => {
  it.each(formats)('finds type and size of %s', async (format) => {
    const bytes = await makePicture(format, { width: 301, height: 77 });
    expect(await inspectImage(bytes, limits)).toEqual({
      mediaType: `image/${format}`,
      width: 301,
      height: 77,
    });
  });

  it.each([
    ['progressive JPEG', () => sharp(testCard).jpeg({ progressive: true })],
    ['interlaced PNG with an alpha channel', () => sharp(testCard).ensureAlpha().png({ progressive: true })],
    ['lossless WebP', () => sharp(testCard).webp({ lossless: true })],
    ['WebP with an alpha channel', () => sharp(testCard).ensureAlpha(0.5).webp()],
    ['16-bit PNG', () => sharp(testCard).toColourspace('rgb16').png()],
    ['TIFF in LZW', () => sharp(testCard).tiff({ compression: 'lzw' })],
    ['tiled TIFF', () => sharp(testCard).tiff({ tile: true })],
    ['AVIF with an alpha channel', () => sharp(testCard).ensureAlpha(0.5).avif()],
    [
      'JPEG with EXIF, an ICC profile and an orientation',
      () => sharp(testCard).withMetadata({ orientation: 6 }),
    ],
  ])('agrees with a decoder on a %s', async (_name, make) => {
    const bytes = await make().toBuffer();
    const { width, height } = await sharp(bytes).metadata();
    expect(await inspectImage(bytes, limits)).toMatchObject({ width, height });
  });

  it('takes a JPEG with bytes after its end, and one with fill bytes between segments', async () => {
    const jpeg = await makePicture('jpeg');
    expect(await codeOf(Buffer.concat([jpeg, Buffer.from('trailer')]))).toBe('accepted');
    const filled = Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xff]), jpeg.subarray(2)]);
    expect(await codeOf(filled)).toBe('accepted');
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'image-unreadable'],
    ['text', Buffer.from('not a picture at all'), 'image-type-unsupported'],
    ['an SVG', svg, 'image-type-unsupported'],
    ['a PDF', Buffer.from('%PDF-1.7\n%âãÏÓ\n'), 'image-type-unsupported'],
    ['a BMP', Buffer.concat([Buffer.from('BM'), Buffer.alloc(60)]), 'image-type-unsupported'],
    ['a PNG of 30,000 × 30,000 pixels', makePngBomb(30_000, 30_000), 'image-too-large'],
    ['a PNG of 2³² − 1 pixels each way', makePngBomb(2 ** 32 - 1, 2 ** 32 - 1), 'image-too-large'],
    ['a PNG without pixels', makePngBomb(0, 5), 'image-unreadable'],
  ])('refuses %s', async (_name, bytes, code) => {
    expect(await codeOf(bytes)).toBe(code);
  });

  it('names the detected type', async () => {
    await expect(inspectImage(Buffer.from('%PDF-1.7\n%âãÏÓ\n'), limits)).rejects.toMatchObject({
      context: { found: 'application/pdf' },
    });
  });

  it('has limits that include their own value', async () => {
    const bytes = await makePicture('png', { width: 10, height: 10 });
    expect(await codeOf(bytes, { maxBytes: bytes.length, maxPixels: 100 })).toBe('accepted');
    expect(await codeOf(bytes, { maxBytes: bytes.length - 1, maxPixels: 100 })).toBe('image-too-large');
    expect(await codeOf(bytes, { maxBytes: bytes.length, maxPixels: 99 })).toBe('image-too-large');
  });
});

describe.each(formats)('a damaged %s', (format: Format) => {
  let bytes: Buffer;
  beforeAll(async () => {
    bytes = await sharp(testCard).toFormat(format).toBuffer();
  });

  it('is never accepted when its first half is all there is', async () => {
    // The directory of a TIFF may come before or after the pixels, and a JPEG may lack no more than its end.
    if (!['tiff', 'jpeg'].includes(format))
      expect(await codeOf(bytes.subarray(0, bytes.length >> 1))).toBe('image-unreadable');
    expect(await codeOf(bytes.subarray(0, 12))).not.toBe('accepted');
  });

  it('is answered with one of our errors, whatever was changed or cut', async () => {
    const mutation = fc.record({
      edits: fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 12 }),
      length: fc.nat(bytes.length),
    });
    await fc.assert(
      fc.asyncProperty(mutation, async ({ edits, length }) => {
        const mutated = Buffer.from(bytes);
        for (const [at, value] of edits) mutated[at] = value;
        const found = await inspectImage(mutated.subarray(0, length), limits).catch((error) => error);
        if (found instanceof HeadwaterError)
          return found.verdict === 'dead-letter' && found.code !== 'unexpected';
        return found.width > 0 && found.height > 0 && found.width * found.height <= limits.maxPixels;
      }),
      { numRuns: 400 },
    );
  });
});

/** Structure in every corner, so that cut files lack something. */
const testCard = await sharp({
  create: {
    width: 64,
    height: 48,
    channels: 3,
    background: 'black',
    noise: { type: 'gaussian', mean: 128, sigma: 40 },
  },
})
  .jpeg()
  .toBuffer();
