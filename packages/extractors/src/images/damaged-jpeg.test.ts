/** JPEG files whose scans are damaged or truncated, and valid ones that resemble them. */
import { smooth } from '@headwater/testing';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { efficientnetLite0 } from '../table/efficientnet-lite0.ts';
import { lenetDigits } from '../table/lenet-digits.ts';
import { decodeImage } from './decoder.ts';
import { defaultLimits } from './limits.ts';

const end = Buffer.from([0xff, 0xd9]);

/** The result, which must be the same for each preprocessing. */
async function verdictOf(image: Uint8Array): Promise<string> {
  const verdicts = await Promise.all(
    [lenetDigits.preprocessing, efficientnetLite0.preprocessing].map((preprocessing) =>
      decodeImage(image, preprocessing, defaultLimits).then(
        () => 'decoded',
        (error: { code: string }) => error.code,
      ),
    ),
  );
  expect(new Set(verdicts).size).toBe(1);
  return verdicts[0] ?? '';
}

const small = smooth(120, 90).png().toBuffer();
const sizes = [
  ['smaller than the input', 120, 90],
  ['larger than the input', 640, 480],
  ['high', 300, 1200],
] as const;

describe.each(sizes)('a JPEG that is %s', (_, width, height) => {
  const make = async (options: object, gray: boolean) => {
    const image = sharp(await small).resize(width, height, { fit: 'fill' });
    return (gray ? image.grayscale() : image).jpeg(options).toBuffer();
  };

  it.each([
    ['in colour', {}, false],
    ['in gray', {}, true],
    ['in colour at full resolution', { chromaSubsampling: '4:4:4' }, false],
    ['progressive', { progressive: true }, false],
  ] as const)(
    'is refused where its scan is cut, whatever stands at its end: %s',
    async (_name, options, gray) => {
      const whole = await make(options, gray);
      expect(await verdictOf(whole)).toBe('decoded');
      for (const kept of [0.6, 0.9, 0.98]) {
        const cut = whole.subarray(0, Math.floor(whole.length * kept));
        expect(await verdictOf(cut)).toBe('image-unreadable');
        expect(await verdictOf(Buffer.concat([cut, end]))).toBe('image-unreadable');
      }
    },
  );

  it.each([
    ['only its last marker is missing', (whole: Buffer) => whole.subarray(0, -2)],
    ['zeros follow it', (whole: Buffer) => Buffer.concat([whole, Buffer.alloc(70_000)])],
    ['another picture follows it', (whole: Buffer) => Buffer.concat([whole, whole])],
    [
      'zeros stand before its last marker',
      (whole: Buffer) => Buffer.concat([whole.subarray(0, -2), Buffer.alloc(12), end]),
    ],
    [
      'its scan has the parameters of some phones',
      (whole: Buffer) => {
        const odd = Buffer.from(whole);
        const scan = odd.indexOf(Buffer.from([0xff, 0xda]));
        odd[scan + 2 + odd.readUInt16BE(scan + 2) - 2] = 0;
        return odd;
      },
    ],
  ])('is decoded where %s, to the same pixels', async (_name, change) => {
    const whole = await make({}, false);
    const { preprocessing } = efficientnetLite0;
    const pixels = await decodeImage(change(whole), preprocessing, defaultLimits);
    expect(Buffer.compare(pixels, await decodeImage(whole, preprocessing, defaultLimits))).toBe(0);
  });
});
