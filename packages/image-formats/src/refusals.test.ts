import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readHeader } from './index.ts';

const flat = () => sharp({ create: { width: 16, height: 12, channels: 3, background: 'teal' } });

/** A little-endian TIFF directory with one SHORT per field. */
function tiff(fields: Readonly<Record<number, number>>): Buffer {
  const all = { 256: 16, 257: 12, 258: 8, 259: 1, 262: 2, 277: 3, ...fields };
  const entries = Object.entries(all);
  const file = Buffer.alloc(8 + 2 + entries.length * 12 + 4);
  file.write('II*\0\x08', 0, 'latin1');
  file.writeUInt16LE(entries.length, 8);
  for (const [index, [tag, value]] of entries.entries()) {
    const at = 10 + index * 12;
    file.writeUInt16LE(Number(tag), at);
    file.writeUInt16LE(3, at + 2);
    file.writeUInt32LE(1, at + 4);
    file.writeUInt16LE(value, at + 8);
  }
  return file;
}

async function jpeg(frame: number, bits: number): Promise<Buffer> {
  const file = await flat().jpeg().toBuffer();
  const at = file.indexOf(Buffer.from([0xff, 0xc0]));
  file[at + 1] = 0xc0 + frame;
  file[at + 4] = bits;
  return file;
}

describe('valid files that cannot be decoded', () => {
  it.each([
    ['32-bit float samples', tiff({ 258: 32, 339: 3 })],
    ['64-bit float samples', tiff({ 258: 64, 339: 3 })],
    ['16-bit signed samples', tiff({ 258: 16, 339: 2 })],
    ['64-bit complex samples', tiff({ 258: 64, 339: 6 })],
    ['32-bit samples', tiff({ 258: 32 })],
    ['CIE Lab colour', tiff({ 262: 8 })],
    ['photometric interpretation 32803', tiff({ 262: 32803 })],
    ['ZSTD compression', tiff({ 259: 50000 })],
    ['compression scheme 32809', tiff({ 259: 32809 })],
    ['7 samples per pixel', tiff({ 277: 7 })],
    ['CMYK with further samples', tiff({ 262: 5, 277: 5, 338: 0 })],
    ['lossless coding', jpeg(3, 8)],
    ['hierarchical coding', jpeg(5, 8)],
    ['12-bit samples', jpeg(1, 12)],
  ])('are rejected with the reason: %s', async (reason, file) => {
    const bytes = await file;
    expect(() => readHeader(bytes)).toThrow(
      expect.objectContaining({
        code: 'image-type-unsupported',
        message: expect.stringMatching(new RegExp(` has ${reason}, which cannot be decoded; `)),
      }),
    );
  });
});

it('reads BigTIFF like TIFF', async () => {
  const file = await flat().tiff({ bigtiff: true }).toBuffer();
  expect(readHeader(file)).toEqual({ mediaType: 'image/tiff', width: 16, height: 12 });
});

it('finds nothing to convert in common files', async () => {
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const) {
    const header = readHeader(await flat()[format]().toBuffer());
    expect(header).toEqual({ mediaType: `image/${format}`, width: 16, height: 12 });
  }
});

it('reads the orientation of JPEG, PNG and TIFF', async () => {
  for (const format of ['jpeg', 'png', 'tiff'] as const) {
    const file = await flat().withMetadata({ orientation: 6 })[format]().toBuffer();
    expect(readHeader(file)).toMatchObject({ orientation: 6 });
  }
});
