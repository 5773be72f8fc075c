/**
 * Reads ICC profiles of curves and a matrix (ICC.1:2010) for samples of more than 8 bits: sharp treats the output of such a
 * profile as Display P3, and ignores the profiles of 16-bit gray. Nothing is rejected here: undefined means "not one of these".
 */
import type { ColourModel, Curve } from './colour-model.ts';
import { srgbOfColorants, type Vector } from './matrix.ts';

const headerBytes = 128;
/** Signature, offset, size. */
const tagBytes = 12;
const mostTags = 256;

type Tags = ReadonlyMap<string, Buffer>;

function readTags(icc: Buffer): Tags {
  const count = Math.min(icc.readUInt32BE(headerBytes), mostTags);
  const tags = new Map<string, Buffer>();
  for (let index = 0; index < count; index += 1) {
    const at = headerBytes + 4 + index * tagBytes;
    const start = icc.readUInt32BE(at + 4);
    tags.set(icc.toString('latin1', at, at + 4), icc.subarray(start, start + icc.readUInt32BE(at + 8)));
  }
  return tags;
}

/** s15Fixed16Number. */
const fixed = (bytes: Buffer, at: number) => bytes.readInt32BE(at) / 65_536;

function tableCurve(bytes: Buffer, count: number): Curve {
  const table = Array.from({ length: count }, (_, index) => bytes.readUInt16BE(12 + index * 2) / 65_535);
  return (sample) => {
    const place = sample * (count - 1);
    const below = Math.min(count - 2, Math.floor(place));
    const [low, high] = [table[below] ?? 0, table[below + 1] ?? 0];
    return low + (high - low) * (place - below);
  };
}

function sampledCurve(bytes: Buffer): Curve {
  const count = bytes.readUInt32BE(8);
  if (count === 0) return (sample) => sample;
  if (count > 1) return tableCurve(bytes, count);
  const gamma = bytes.readUInt16BE(12) / 256;
  return (sample) => sample ** gamma;
}

/** Parameters of the five kinds: g; g a b; g a b c; g a b c d; g a b c d e f. */
const parameterCounts = [1, 3, 4, 5, 7] as const;

function parametricCurve(bytes: Buffer): Curve | undefined {
  const kind = bytes.readUInt16BE(8);
  const count = parameterCounts[kind];
  if (count === undefined) return undefined;
  const [g = 1, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from({ length: count }, (_, index) =>
    fixed(bytes, 12 + index * 4),
  );
  const power = (sample: number) => Math.max(0, a * sample + b) ** g;
  if (kind === 0) return (sample) => sample ** g;
  if (kind <= 2) return (sample) => (sample >= -b / a ? power(sample) + c : c);
  return (sample) => (sample >= d ? power(sample) + e : c * sample + f);
}

function curveOf(tag: Buffer | undefined): Curve | undefined {
  const type = tag?.toString('latin1', 0, 4);
  if (tag && type === 'curv') return sampledCurve(tag);
  return tag && type === 'para' ? parametricCurve(tag) : undefined;
}

function colorantOf(tag: Buffer | undefined): Vector | undefined {
  return tag && [fixed(tag, 8), fixed(tag, 12), fixed(tag, 16)];
}

function rgbModel(tags: Tags): ColourModel | undefined {
  const [red, green, blue] = ['rTRC', 'gTRC', 'bTRC'].map((name) => curveOf(tags.get(name)));
  const [x, y, z] = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) => colorantOf(tags.get(name)));
  if (!red || !green || !blue || !x || !y || !z) return undefined;
  return { red, green, blue, matrix: srgbOfColorants(x, y, z) };
}

function grayModel(tags: Tags): ColourModel | undefined {
  const gray = curveOf(tags.get('kTRC'));
  return gray && { gray };
}

function parse(icc: Buffer, isGray: boolean): ColourModel | undefined {
  const [space, connection] = [icc.toString('latin1', 16, 20), icc.toString('latin1', 20, 24)];
  if (icc.toString('latin1', 36, 40) !== 'acsp' || connection !== 'XYZ ') return undefined;
  const tags = readTags(icc);
  // A table takes precedence over the curves.
  if (space !== (isGray ? 'GRAY' : 'RGB ') || tags.has('A2B0')) return undefined;
  return isGray ? grayModel(tags) : rgbModel(tags);
}

/** Undefined where the profile has tables, is of another colour space, or is damaged. */
export function modelOfProfile(icc: Buffer, isGray: boolean): ColourModel | undefined {
  try {
    return parse(icc, isGray);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
