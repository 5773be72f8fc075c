/** Small pictures in every format, and malformed ones. */
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';

export const formats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const;
export type Format = (typeof formats)[number];

/** `shade` makes pictures of one size differ. */
export async function makePicture(
  format: Format,
  { width = 23, height = 17, shade = 0 }: { width?: number; height?: number; shade?: number } = {},
): Promise<Buffer> {
  const background = { r: shade & 255, g: (shade >> 8) & 255, b: 128 };
  return sharp({ create: { width, height, channels: 3, background } })
    .toFormat(format)
    .toBuffer();
}

/** A picture with noise, which does not compress: some `width × height × 3` bytes as PNG. */
export function makeNoise(width: number, height: number): Promise<Buffer> {
  const create = { width, height, channels: 3, noise: { type: 'gaussian', mean: 128, sigma: 60 } } as const;
  return sharp({ create: { ...create, background: 'black' } })
    .png({ compressionLevel: 0 })
    .toBuffer();
}

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, Buffer.from(type, 'latin1'), data, Buffer.alloc(4)]);
}

/** A few hundred bytes with a header of any size. */
export function makePngBomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(100))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

export const svg = Buffer.from(
  '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
);
