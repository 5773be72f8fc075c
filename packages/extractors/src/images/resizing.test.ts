import sharp from 'sharp';
import { expect, it } from 'vitest';
import type { Preprocessing } from '../table/definition.ts';
import { efficientnetLite0 } from '../table/efficientnet-lite0.ts';
import { resizeAndCrop } from './resizing.ts';

const { preprocessing } = efficientnetLite0;

/** Coarse noise: a shift by one row or column changes it everywhere. */
async function noise(width: number, height: number): Promise<Buffer> {
  const create = {
    width: 64,
    height: 64,
    channels: 3,
    noise: { type: 'gaussian', mean: 128, sigma: 60 },
  } as const;
  const small = await sharp({ create: { ...create, background: 'gray' } })
    .png()
    .toBuffer();
  return await sharp(small).resize(width, height, { fit: 'fill', kernel: 'nearest' }).raw().toBuffer();
}

/** The same pixels, cut out of the resized picture by libvips. */
async function cutByLibvips(file: Buffer, { side, resizedSide, kernel }: Preprocessing): Promise<Buffer> {
  const margin = (resizedSide - side) / 2;
  return await sharp(file, { sequentialRead: true })
    .toColourspace('srgb')
    .resize(resizedSide, resizedSide, { fit: 'cover', kernel })
    .extract({ left: margin, top: margin, width: side, height: side })
    .raw()
    .toBuffer();
}

/** Odd sizes; halves of rows and columns; ratios at which libjpeg shrinks otherwise. */
const sizes = [
  [257, 259],
  [256, 301],
  [375, 500],
  [500, 375],
  [511, 779],
  [512, 683],
  [683, 512],
  [513, 641],
  [767, 1023],
  [1024, 1366],
  [1367, 1025],
  [1279, 1281],
  [1281, 1601],
  [1536, 1539],
  [1539, 1535],
  [1203, 1607],
  [2047, 2049],
  [2049, 2303],
  [2305, 2307],
] as const;

it.each(sizes)('keeps the pixels that libvips cuts out of %d × %d', async (width, height) => {
  const raw = { width, height, channels: 3 } as const;
  const pixels = sharp(await noise(width, height), { raw });
  const files = [
    [await pixels.clone().jpeg({ quality: 60 }).toBuffer(), true],
    [await pixels.clone().png({ compressionLevel: 0 }).toBuffer(), false],
  ] as const;
  for (const [file, shrinksOnLoad] of files) {
    const picture = sharp(file, { sequentialRead: true });
    const subject = { picture, width, height, orientation: 1, isLazy: true, shrinksOnLoad };
    const framed = await resizeAndCrop(subject, preprocessing);
    expect(Buffer.compare(framed, await cutByLibvips(file, preprocessing))).toBe(0);
  }
});
