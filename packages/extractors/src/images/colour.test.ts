/** Colour management: the ways in which files state their colour all lead to the same 8-bit sRGB. */
import {
  cicpChunk,
  gamaChunk,
  grayProfile,
  iccpChunk,
  pngChunk,
  repeated,
  smooth,
  tiffFile,
  withChunks,
} from '@headwater/testing';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { efficientnetLite0 } from '../table/efficientnet-lite0.ts';
import { lenetDigits } from '../table/lenet-digits.ts';
import { decodeImage } from './decoder.ts';
import { defaultLimits } from './limits.ts';

const { preprocessing: gray } = lenetDigits;
const { preprocessing: rgb } = efficientnetLite0;
const both = [gray, rgb];

const decode = (image: Uint8Array, preprocessing = rgb) => decodeImage(image, preprocessing, defaultLimits);

/** The pixel in the center. */
async function centreOf(image: Uint8Array): Promise<number[]> {
  const at = (112 * 224 + 112) * 3;
  return [...(await decode(image)).subarray(at, at + 3)];
}

/** The largest of all differences, as a mean over each preprocessing. */
async function differenceOf(one: Uint8Array, other: Uint8Array): Promise<number> {
  const means = both.map(async (preprocessing) => {
    const [a, b] = [await decode(one, preprocessing), await decode(other, preprocessing)];
    return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
  });
  return Math.max(...(await Promise.all(means)));
}

const flat = (r: number, g: number, b: number) =>
  sharp({ create: { width: 16, height: 16, channels: 3, background: { r, g, b } } });
const red = () => flat(255, 0, 0);
const picture = smooth(97, 71).png().toBuffer();
const deep = async (profile: string): Promise<Sharp> =>
  sharp(await picture)
    .toColourspace('rgb16')
    .withIccProfile(profile);

function expectNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  for (const [index, value] of expected.entries()) {
    expect(Math.abs((actual[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(tolerance);
  }
}

describe('more than 8 bits with an ICC profile', () => {
  it.each([
    ['PNG', (image: Sharp) => image.png()],
    ['PNG with alpha', (image: Sharp) => image.ensureAlpha().png()],
    ['TIFF', (image: Sharp) => image.tiff({ compression: 'lzw' })],
  ])('gives pure red of a 16-bit sRGB %s', async (_, encode) => {
    const image = encode(red().toColourspace('rgb16').withIccProfile('srgb'));
    expectNear(await centreOf(await image.toBuffer()), [255, 0, 0], 2);
  });

  it.each(['srgb', 'p3'])('agrees with 8 bits of the same picture in %s', async (profile) => {
    const eight = await sharp(await picture)
      .withIccProfile(profile)
      .png()
      .toBuffer();
    expect(await differenceOf(await (await deep(profile)).png().toBuffer(), eight)).toBeLessThanOrEqual(2);
    expect(await differenceOf(await (await deep(profile)).tiff().toBuffer(), eight)).toBeLessThanOrEqual(2);
  });

  it('agrees with 8 bits in a 10-bit AVIF', async () => {
    const image = sharp(await picture).withIccProfile('p3');
    const [ten, eight] = await Promise.all(
      [10, 8].map((bitdepth) =>
        image
          .clone()
          .avif({ bitdepth: bitdepth as 8 | 10, quality: 90, effort: 0 })
          .toBuffer(),
      ),
    );
    expect(await differenceOf(ten ?? Buffer.alloc(0), eight ?? Buffer.alloc(0))).toBeLessThanOrEqual(2);
  });

  it.each([1, 1.8])('applies the profile of gray with gamma %s at 8 and 16 bits', async (gamma) => {
    const light = 0.25;
    const profile = iccpChunk(grayProfile(gamma));
    const sample = light ** (1 / gamma);
    const shades = (values: Uint8Array | Uint16Array) =>
      sharp(values, { raw: { width: 8, height: 8, channels: 1 } });
    const eight = shades(new Uint8Array(64).fill(Math.round(sample * 255))).toColourspace('b-w');
    const sixteen = shades(new Uint16Array(64).fill(Math.round(sample * 65_535))).toColourspace('grey16');
    for (const image of [eight, sixteen]) {
      const file = withChunks(await image.png().toBuffer(), profile);
      // A quarter of the light is shade 137 of sRGB.
      expectNear(await centreOf(file), [137, 137, 137], 2);
      expectNear([...(await decode(file, gray))].slice(400), [137], 2);
    }
  });

  it('passes over a profile that is damaged, as at 8 bits', async () => {
    const file = await flat(200, 60, 40).toColourspace('rgb16').png().toBuffer();
    const damaged = withChunks(file, iccpChunk(Buffer.alloc(200, 7)));
    expectNear(await centreOf(damaged), [200, 60, 40], 1);
  });
});

describe('colour of PNG without an ICC profile', () => {
  const plain = flat(200, 60, 40).png().toBuffer();

  it('honours gAMA', async () => {
    const half = await flat(128, 128, 128).png().toBuffer();
    expectNear(await centreOf(withChunks(half, gamaChunk(100_000))), [188, 188, 188], 1);
  });

  it('honours cHRM, and cICP before all others', async () => {
    const p3 = await red().png().toBuffer();
    const chromaticities = Buffer.alloc(32);
    for (const [index, value] of [31270, 32900, 26500, 69000, 15000, 6000, 68000, 32000].entries()) {
      chromaticities.writeUInt32BE(value, ([0, 1, 4, 5, 6, 7, 2, 3][index] as number) * 4);
    }
    const green = await flat(0, 200, 0).png().toBuffer();
    const stated = withChunks(green, pngChunk('cHRM', chromaticities));
    expect(await centreOf(stated)).toEqual(await centreOf(withChunks(green, cicpChunk(12, 13))));
    expect(await centreOf(stated)).not.toEqual(await centreOf(green));
    expectNear(await centreOf(withChunks(p3, cicpChunk(12, 13), gamaChunk(100_000))), [255, 0, 0], 0);
  });

  it('agrees with the same colour given by an ICC profile', async () => {
    const profiled = await sharp(await picture)
      .withIccProfile('p3')
      .png()
      .toBuffer();
    const samples = sharp(await sharp(profiled, { ignoreIcc: true }).raw().toBuffer(), {
      raw: { width: 97, height: 71, channels: 3 },
    });
    const coded = withChunks(await samples.png().toBuffer(), cicpChunk(12, 13));
    expect(await differenceOf(coded, profiled)).toBeLessThanOrEqual(1);
  });

  it.each([
    ['sRGB beside a gAMA of another program', [pngChunk('sRGB', Buffer.from([0])), gamaChunk(100_000)]],
    ['a gAMA of 1/2.2', [gamaChunk(45_455)]],
    ['cICP of sRGB', [cicpChunk(1, 13)]],
    ['a gAMA of zero', [gamaChunk(0)]],
  ])('changes nothing for %s', async (_, chunks) => {
    expect(await decode(withChunks(await plain, ...chunks))).toEqual(await decode(await plain));
  });

  it('refuses what has no counterpart in 8-bit sRGB, with the reason', async () => {
    const refusalOf = async (...chunks: Buffer[]) =>
      await decode(withChunks(await plain, ...chunks)).catch((error: Error) => error.message);
    expect(await refusalOf(cicpChunk(9, 16))).toContain('high dynamic range (PQ)');
    expect(await refusalOf(cicpChunk(9, 18))).toContain('high dynamic range (HLG)');
    expect(await refusalOf(cicpChunk(1, 13, 0))).toContain('samples of narrow range');
  });
});

describe('colour of AVIF by nclx', () => {
  /** The box of an ICC profile, made one of code points; the matrix is that of BT.601, full range. */
  async function coded(primaries: number, transfer: number): Promise<Buffer> {
    const image = await red().withIccProfile('srgb').avif({ quality: 100, effort: 0 }).toBuffer();
    const at = image.indexOf('colr') + 4;
    image.write('nclx', at, 'latin1');
    for (const [index, code] of [primaries, transfer, 6].entries())
      image.writeUInt16BE(code, at + 4 + index * 2);
    image[at + 10] = 0x80;
    return image;
  }

  it('is honoured', async () => {
    expectNear(await centreOf(await coded(1, 13)), [254, 0, 0], 3);
    // BT.601 for 525 lines has a red that lies within sRGB.
    const png = withChunks(await red().png().toBuffer(), cicpChunk(6, 13));
    expectNear(await centreOf(await coded(6, 13)), await centreOf(png), 3);
    expect(await centreOf(png)).not.toEqual([255, 0, 0]);
  });

  it('is refused where it is of high dynamic range', async () => {
    await expect(decode(await coded(9, 16))).rejects.toMatchObject({ code: 'image-type-unsupported' });
  });
});

describe('samples of TIFF that are not colour', () => {
  const near = async (file: Buffer, expected: readonly number[]) =>
    expectNear(await centreOf(file), expected, 2);

  it('are passed over where they are not alpha', async () => {
    const samples = repeated([40, 60, 200, 128], 8);
    await near(tiffFile({ count: 4, extra: [0], samples }), [40, 60, 200]);
    await near(tiffFile({ count: 4, samples }), [40, 60, 200]);
    await near(
      tiffFile({ count: 5, extra: [0, 0], samples: repeated([40, 60, 200, 9, 8], 8) }),
      [40, 60, 200],
    );
    const grays = { photometric: 1, count: 2, extra: [0] };
    await near(tiffFile({ ...grays, samples: repeated([70, 9], 8) }), [70, 70, 70]);
    const wide = repeated([40 * 257, 60 * 257, 200 * 257, 99], 16);
    await near(tiffFile({ count: 4, bits: 16, extra: [0], samples: wide }), [40, 60, 200]);
  });

  it('are opacity where they are alpha, also before others', async () => {
    const half = [147, 157, 227];
    await near(tiffFile({ count: 4, extra: [2], samples: repeated([40, 60, 200, 128], 8) }), half);
    await near(tiffFile({ count: 5, extra: [2, 0], samples: repeated([40, 60, 200, 128, 7], 8) }), half);
    await near(tiffFile({ count: 4, extra: [1], samples: repeated([20, 30, 100, 128], 8) }), half);
  });
});
