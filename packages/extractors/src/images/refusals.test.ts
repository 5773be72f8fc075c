import { deflateSync } from 'node:zlib';
import { smooth } from '@headwater/testing';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { efficientnetLite0 } from '../table/efficientnet-lite0.ts';
import { lenetDigits } from '../table/lenet-digits.ts';
import { decodeImage, inspectImage } from './decoder.ts';
import { defaultLimits } from './limits.ts';

const preprocessings = [lenetDigits.preprocessing, efficientnetLite0.preprocessing];

/** The error of every preprocessing, which must be the same. */
async function refusal(image: Uint8Array, limits = defaultLimits) {
  const errors = await Promise.all(
    preprocessings.map((preprocessing) =>
      decodeImage(image, preprocessing, limits).then(
        () => 'decoded',
        (error: { code: string; verdict: string }) => `${error.code}, ${error.verdict}`,
      ),
    ),
  );
  expect(new Set(errors).size).toBe(1);
  return errors[0];
}

/** A PNG's header and one chunk of pixels that are not there: only the header tells the truth. */
function hugePng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  const pixels = deflateSync(Buffer.alloc(1000));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const unsupported = 'image-type-unsupported, dead-letter';
const unreadable = 'image-unreadable, dead-letter';
const tooLarge = 'image-too-large, dead-letter';

describe('files that are no image of a known type', () => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>';
  it.each([
    ['an SVG', svg],
    ['an SVG with an XML declaration', `<?xml version="1.0"?>${svg}`],
    ['a PDF', '%PDF-1.7\n1 0 obj\n<<>>\nendobj\n'],
    ['text', 'this is not a picture, whatever its name says'],
    ['one byte', 'x'],
    ['a PPM', 'P5 2 2 255 abcd'],
    ['a BMP', `BM${'\0'.repeat(60)}`],
    ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
    ['a JPEG XL', '\xff\x0a\0\0'],
    ['a RIFF that is a WAV', 'RIFF\x24\0\0\0WAVEfmt '],
    ['an EPS', '%!PS-Adobe-3.0 EPSF-3.0'],
  ])('%s is refused by its bytes', async (_, content) => {
    expect(await refusal(Buffer.from(content, 'latin1'))).toBe(unsupported);
  });
});

describe('damaged images', () => {
  it('refuses what has no bytes', async () => {
    expect(await refusal(new Uint8Array())).toBe(unreadable);
  });

  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)(
    'refuses a %s that is cut short, wherever',
    async (format) => {
      const whole = await smooth(200, 150)[format]().toBuffer();
      expect(await refusal(whole)).toBe('decoded');
      for (const kept of [0.1, 0.5, 0.8, 0.95]) {
        expect(await refusal(whole.subarray(0, Math.floor(whole.length * kept)))).toBe(unreadable);
      }
    },
  );

  it('refuses a signature with nonsense after it', async () => {
    for (const signature of [
      '\xff\xd8\xff\xe0',
      '\x89PNG\r\n\x1a\n',
      'GIF89a',
      'RIFF\x10\0\0\0WEBP',
      'II*\0',
    ]) {
      const image = Buffer.concat([Buffer.from(signature, 'latin1'), Buffer.alloc(500, 0x5a)]);
      expect(await refusal(image)).toBe(unreadable);
    }
  });

  it('decodes or refuses, whatever bytes are wrong', async () => {
    const formats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const;
    const whole = await Promise.all(formats.map((format) => smooth(60, 40)[format]().toBuffer()));
    const change = fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...whole),
        fc.array(change, { minLength: 1, maxLength: 8 }),
        async (image, changes) => {
          const damaged = Buffer.from(image);
          for (const [place, value] of changes) damaged[Math.floor(place * damaged.length)] = value;
          expect(await refusal(damaged)).toMatch(/^(decoded|image-.*, dead-letter)$/);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('gives each file that fails beside others its own reason', async () => {
    const formats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const;
    const whole = await Promise.all(formats.map((format) => smooth(60, 40)[format]().toBuffer()));
    const damaged = whole.flatMap((image) =>
      [0.3, 0.5, 0.7, 0.9].flatMap((share) => {
        const changed = Buffer.from(image);
        changed.fill(0x4d, Math.floor(share * image.length), Math.floor(share * image.length) + 4);
        return [changed, image.subarray(0, Math.floor(share * image.length))];
      }),
    );
    const reasonOf = (image: Uint8Array) =>
      decodeImage(image, efficientnetLite0.preprocessing, defaultLimits).then(
        () => 'decoded',
        (error: Error) => error.message,
      );
    const alone: string[] = [];
    for (const image of damaged) alone.push(await reasonOf(image));
    expect(new Set(alone).size).toBeGreaterThan(6);
    for (let round = 0; round < 10; round += 1) {
      expect(await Promise.all(damaged.map(reasonOf))).toEqual(alone);
    }
  });

  it('lets bytes after the end of a JPEG pass', async () => {
    const image = Buffer.concat([await smooth(64, 64).jpeg().toBuffer(), Buffer.from('camera notes')]);
    expect(await refusal(image)).toBe('decoded');
  });
});

describe('limits', () => {
  it('refuses by bytes before anything looks inside', async () => {
    const image = Buffer.alloc(2_000);
    expect(await refusal(image, { ...defaultLimits, maxBytes: 1_999 })).toBe(tooLarge);
    expect(await refusal(image, { ...defaultLimits, maxBytes: 2_000 })).toBe(unsupported);
  });

  it('refuses by the pixels that the header states, before decoding', async () => {
    const image = hugePng(30_000, 30_000);
    expect(await refusal(image)).toBe(tooLarge);
    expect(() => inspectImage(image, defaultLimits)).toThrow(
      expect.objectContaining({ context: expect.objectContaining({ width: 30_000, height: 30_000 }) }),
    );
    expect(await refusal(hugePng(2_000_000_000, 2))).toMatch(/image-(too-large|unreadable), dead-letter/);
  });

  it('allows exactly as many pixels as the limit says', async () => {
    const image = await sharp({ create: { width: 100, height: 50, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    expect(await refusal(image, { ...defaultLimits, maxPixels: 5_000 })).toBe('decoded');
    expect(await refusal(image, { ...defaultLimits, maxPixels: 4_999 })).toBe(tooLarge);
  });
});

describe('headers', () => {
  it('are read without decoding', async () => {
    const image = await smooth(120, 80).jpeg().toBuffer();
    expect(inspectImage(image, defaultLimits)).toEqual({
      mediaType: 'image/jpeg',
      width: 120,
      height: 80,
    });
  });
});
