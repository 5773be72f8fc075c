/** Sample formats of a TIFF, and the check that they are supported. */
import { unsupported } from './refusals.ts';
import type { Directory } from './tiff-directory.ts';

const mediaType = 'image/tiff';
const BITS_PER_SAMPLE = 258;
const COMPRESSION = 259;
const PHOTOMETRIC = 262;
const SAMPLES_PER_PIXEL = 277;
const EXTRA_SAMPLES = 338;
const SAMPLE_FORMAT = 339;

interface TiffSamples {
  readonly bits: number;
  /** Samples per pixel. */
  readonly count: number;
  /** Colour samples per pixel. */
  readonly colours: number;
  /** Type of the first sample after the colours: 1 and 2 are alpha, other values are not. */
  readonly extra: number | undefined;
}

/** Colours by photometric interpretation: white or black is zero, RGB, palette, CMYK, YCbCr. */
const colourCounts: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 3],
  [3, 1],
  [5, 4],
  [6, 3],
]);

const labInterpretations = new Set([8, 9, 10]);

/** None, CCITT (3), LZW, JPEG, deflate (2), PackBits, WebP. */
const compressions = new Set([1, 2, 3, 4, 5, 7, 8, 32946, 32773, 50001]);
const compressionNames: ReadonlyMap<number, string> = new Map([
  [6, 'old-style JPEG compression'],
  [34712, 'JPEG 2000 compression'],
  [34887, 'LERC compression'],
  [34925, 'LZMA compression'],
  [50000, 'ZSTD compression'],
  [50002, 'JPEG XL compression'],
]);

/** By SampleFormat. 1 is unsigned; 4 is undefined and treated as unsigned. */
const sampleKinds: ReadonlyMap<number, string> = new Map([
  [2, 'signed'],
  [3, 'float'],
  [5, 'complex'],
  [6, 'complex'],
]);

/** Limit of sharp. */
const mostSamples = 5;

function reject(what: string, remedy = 'save it with 8 or 16 unsigned bits per sample'): never {
  throw unsupported(mediaType, what, remedy);
}

function checkDepth(bits: number, formats: readonly number[]): void {
  const kind = formats.map((format) => sampleKinds.get(format)).find((name) => name !== undefined);
  if (kind !== undefined) reject(`${bits}-bit ${kind} samples`);
  if (bits > 16) reject(`${bits}-bit samples`);
}

function checkCompression(compression: number): void {
  if (compressions.has(compression)) return;
  const name = compressionNames.get(compression) ?? `compression scheme ${compression}`;
  reject(name, 'save it with LZW or deflate');
}

function coloursOf(photometric: number | undefined, samples: number): number {
  if (photometric === undefined) return Math.min(samples, 3);
  const colours = colourCounts.get(photometric);
  if (colours !== undefined) return Math.min(colours, samples);
  const name = labInterpretations.has(photometric)
    ? 'CIE Lab colour'
    : `photometric interpretation ${photometric}`;
  return reject(name, 'save it as RGB or gray');
}

/** Errors: image-type-unsupported. */
export function checkSupported(directory: Directory): TiffSamples {
  const bits = Math.max(1, ...directory.numbers(BITS_PER_SAMPLE));
  const count = directory.number(SAMPLES_PER_PIXEL) ?? 1;
  checkDepth(bits, directory.numbers(SAMPLE_FORMAT));
  checkCompression(directory.number(COMPRESSION) ?? 1);
  const colours = coloursOf(directory.number(PHOTOMETRIC), count);
  if (count > mostSamples) reject(`${count} samples per pixel`, `save at most ${mostSamples}`);
  const samples = { bits, count, colours, extra: directory.number(EXTRA_SAMPLES) };
  if (colours === 4 && meaningfulChannels(samples) < count) {
    reject('CMYK with further samples', 'save it as RGB');
  }
  return samples;
}

/** Number of colour samples per pixel, plus an alpha sample that follows them. */
export function meaningfulChannels({ colours, extra }: TiffSamples): number {
  return colours + (extra === 1 || extra === 2 ? 1 : 0);
}
