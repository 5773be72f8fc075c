import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { efficientnetLite0 } from '../table/efficientnet-lite0.ts';
import { decodeImage, decodeInProcess, setDecoder } from './decoder.ts';
import { DecoderProcesses, type DecoderProcessesOptions } from './decoder-processes.ts';
import { defaultLimits } from './limits.ts';

const { preprocessing } = efficientnetLite0;
const program = fileURLToPath(new URL('fixtures/fragile-decoder.mjs', import.meta.url));
const deaths: string[] = [];
let opened: DecoderProcesses | undefined;
afterEach(() => {
  setDecoder(undefined);
  opened?.close();
  deaths.length = 0;
});

function openProcesses(options: Partial<DecoderProcessesOptions> = {}): DecoderProcesses {
  opened = new DecoderProcesses({
    processes: 2,
    maxBytes: 512 * 1024 * 1024,
    died: (how) => void deaths.push(how),
    ...options,
  });
  return opened;
}

describe('decoder processes', () => {
  it('answer what decoding here answers, to the last bit, and its errors', async () => {
    setDecoder(openProcesses().decode);
    const create = { width: 90, height: 70, channels: 3, background: 'teal' } as const;
    const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
    const jpeg = await sharp({ create: { ...create, noise } })
      .jpeg()
      .toBuffer();
    const pixels = await decodeImage(jpeg, preprocessing, defaultLimits);
    expect(Buffer.from(pixels).equals(await decodeInProcess(jpeg, preprocessing, defaultLimits))).toBe(true);
    const codeOf = (work: Promise<unknown>) => work.catch(({ code }: { code: string }) => code);
    expect(await codeOf(decodeImage(jpeg.subarray(0, 400), preprocessing, defaultLimits))).toBe(
      'image-unreadable',
    );
    const tight = { ...defaultLimits, maxPixels: 100 };
    expect(await codeOf(decodeImage(jpeg, preprocessing, tight))).toBe('image-too-large');
  });

  it.each([
    ['crashes', 1, 'SIGSEGV'],
    ['hangs', 2, 'SIGKILL'],
    ['ends', 3, 'exit code 3'],
  ])('refuse the image at which one %s twice, and no other', async (_what, first, how) => {
    const { decode } = openProcesses({ program, timeoutMs: 2_000 });
    const images = Array.from({ length: 12 }, (_, at) => Uint8Array.from([at === 5 ? first : 0, 0, 0]));
    const answers = await Promise.allSettled(
      images.map((image) => decode(image, preprocessing, defaultLimits)),
    );
    const refused = answers.flatMap((answer, at) =>
      answer.status === 'rejected' ? [[at, answer.reason.code]] : [],
    );
    expect(refused).toEqual([[5, 'extractor-failed']]);
    expect(deaths).toEqual([how, how]);
  });

  it('end where they take more memory than they may', async () => {
    const { decode } = openProcesses({ maxBytes: 1 });
    const jpeg = await sharp({ create: { width: 3000, height: 3000, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(decode(jpeg, preprocessing, defaultLimits)).rejects.toMatchObject({
      code: 'extractor-failed',
    });
    expect(deaths).toEqual(['SIGKILL', 'SIGKILL']);
  });
});
