/** Small images of every accepted format and kind, and bombs: small files that are vast when decoded. */
import { crc32, deflateRawSync, deflateSync } from 'node:zlib';
import sharp from 'sharp';

function flat(side: number) {
  return sharp({ create: { width: side, height: side, channels: 3, background: 'teal' } });
}

/** Reproducible, unlike sharp's noise. */
function drawn(width: number, height: number, channels: 1 | 3 | 4) {
  const pixels = Uint8Array.from(
    { length: width * height * channels },
    (_, at) => (at * 31 + ((at >> 5) * 57) ** 2 + (at % 7) * 40) & 255,
  );
  return sharp(pixels, { raw: { width, height, channels } });
}

/** Valid files. */
export function seedPictures(): Promise<Buffer[]> {
  const [gray, rgb, rgba] = [drawn(28, 28, 1), drawn(40, 32, 3), drawn(33, 31, 4)];
  const frames = drawn(16, 48, 3);
  return Promise.all([
    rgb.clone().jpeg({ quality: 70 }).toBuffer(),
    rgb.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    gray.clone().toColourspace('b-w').jpeg().toBuffer(),
    rgb.clone().toColourspace('cmyk').jpeg().toBuffer(),
    rgb.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    gray.clone().toColourspace('b-w').png().toBuffer(),
    rgba.clone().png({ progressive: true }).toBuffer(),
    rgb.clone().png({ palette: true, colours: 16 }).toBuffer(),
    rgb.clone().toColourspace('rgb16').png().toBuffer(),
    rgb.clone().webp({ quality: 60 }).toBuffer(),
    rgba.clone().webp({ lossless: true }).toBuffer(),
    rgba.clone().webp({ alphaQuality: 50 }).toBuffer(),
    rgb.clone().gif().toBuffer(),
    frames.clone().gif().toBuffer(),
    rgb.clone().tiff({ compression: 'lzw' }).toBuffer(),
    rgb.clone().tiff({ compression: 'deflate', predictor: 'horizontal' }).toBuffer(),
    rgb.clone().tiff({ compression: 'jpeg' }).toBuffer(),
    rgba.clone().tiff({ compression: 'none', tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
    gray.clone().toColourspace('b-w').tiff({ compression: 'ccittfax4', bitdepth: 1 }).toBuffer(),
    rgb.clone().tiff({ compression: 'packbits', bigtiff: true }).toBuffer(),
    rgb.clone().avif({ effort: 0, quality: 40 }).toBuffer(),
    rgba.clone().avif({ effort: 0, lossless: true }).toBuffer(),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

function png(width: number, height: number, depth: number, colour: number, ...chunks: Buffer[]): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, colour, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', header), ...chunks, chunk('IEND', Buffer.alloc(0))]);
}

const megabyte = 1024 * 1024;

/** 30,000 × 30,000 pixels of one bit. */
const pixelBomb = () => png(30_000, 30_000, 1, 0, chunk('IDAT', deflateSync(Buffer.alloc(3_000_000))));
/** Within the limit on pixels, 7,000 × 7,000 of one byte, and some 50 KB as a file. */
const largestPng = () => png(7_000, 7_000, 8, 0, chunk('IDAT', deflateSync(Buffer.alloc(7_000 * 7_001))));
/** The rows of a small image, followed by 64 MB of excess data. */
const endlessRows = () => png(8, 8, 8, 0, chunk('IDAT', deflateSync(Buffer.alloc(64 * megabyte))));
/** A text, and a colour profile, of 64 MB each. */
const textBomb = () => {
  const deflated = deflateSync(Buffer.alloc(64 * megabyte, 32));
  const rows = chunk('IDAT', deflateSync(Buffer.alloc(8 * 9)));
  const text = chunk('zTXt', Buffer.concat([Buffer.from('comment\0\0'), deflated]));
  const profile = chunk('iCCP', Buffer.concat([Buffer.from('profile\0\0'), deflated]));
  return png(8, 8, 8, 0, profile, text, rows);
};
/** Many scans over the largest allowed image: each has a few bytes, and costs a pass over all blocks. */
function manyScans(progressive: Buffer): Buffer {
  const frame = progressive.indexOf(Buffer.from([0xff, 0xc2]));
  const scan = progressive.lastIndexOf(Buffer.from([0xff, 0xda]));
  if (frame < 0 || scan < 0) return progressive;
  const head = Buffer.from(progressive.subarray(0, scan));
  head.writeUInt16BE(7_000, frame + 5);
  head.writeUInt16BE(7_000, frame + 7);
  const repeated = progressive.subarray(scan, scan + 14);
  return Buffer.concat([head, ...Array.from({ length: 2_000 }, () => repeated), Buffer.from([0xff, 0xd9])]);
}

/** A little-endian TIFF with one directory of these (tag, type, count, value). */
function tiff(...entries: readonly (readonly [number, number, number, number])[]): Buffer {
  const head = Buffer.from('49492a0008000000', 'hex');
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length, 0);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = 2 + index * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(count, at + 4);
    directory.writeUInt32LE(value >>> 0, at + 8);
  }
  return Buffer.concat([head, directory, deflateSync(Buffer.alloc(megabyte))]);
}
const tiffBomb = (side: number, bits: number) =>
  tiff(
    [256, 4, 1, side],
    [257, 4, 1, side],
    [258, 3, 1, bits],
    [259, 3, 1, 8],
    [262, 3, 1, 1],
    [273, 4, 1, 130],
    [277, 3, 1, 1],
    [278, 4, 1, side],
    [279, 4, 1, 1_000],
  );
/** A directory that is its own successor. */
function tiffLoop(): Buffer {
  const bytes = tiff([256, 4, 1, 8], [257, 4, 1, 8]);
  bytes.writeUInt32LE(8, 8 + 2 + 24);
  return bytes;
}

function gifOf(width: number, height: number): Buffer {
  const head = Buffer.from('GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1');
  head.writeUInt16LE(width, 6);
  head.writeUInt16LE(height, 8);
  const frame = Buffer.from(',\0\0\0\0\0\0\0\0\0\x02\x02\x44\x01\0;', 'latin1');
  frame.writeUInt16LE(width, 5);
  frame.writeUInt16LE(height, 7);
  return Buffer.concat([head, frame]);
}

/** WebP's extended header with a canvas of 16,384 × 16,384, and no frame. */
const webpCanvas = () =>
  Buffer.from('RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0', 'latin1');

export async function bombs(): Promise<Buffer[]> {
  const progressive = await drawn(64, 64, 3).jpeg({ progressive: true }).toBuffer();
  const largest = await flat(7_000).webp({ quality: 1, effort: 0 }).toBuffer();
  return [
    pixelBomb(),
    largestPng(),
    endlessRows(),
    textBomb(),
    manyScans(progressive),
    tiffBomb(60_000, 8),
    tiffBomb(7_000, 8),
    tiffBomb(7_000, 32),
    tiffLoop(),
    gifOf(65_535, 65_535),
    gifOf(7_000, 7_000),
    webpCanvas(),
    largest,
    Buffer.concat([Buffer.from('\xff\xd8\xff', 'latin1'), deflateRawSync(Buffer.alloc(megabyte))]),
  ];
}
