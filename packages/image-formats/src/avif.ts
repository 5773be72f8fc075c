/** AVIF: an ISO base media file whose `meta` box lists the sizes (`ispe`), depths and colours of its items. */
import type { Dimensions, FormatHeader, ImageFormat } from './api.ts';
import { type ColourEncoding, encodingOfCodes } from './colour-encoding.ts';
import { damaged, unsupported } from './refusals.ts';

const mediaType = 'image/avif';
const BRANDS = new Set(['avif', 'avis']);

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** The boxes between two offsets, in order. A box that exceeds its parent is damage. */
function* boxesOf(bytes: Buffer, from: number, to: number): Generator<Box> {
  let at = from;
  while (at < to) {
    const short = bytes.readUInt32BE(at);
    const header = short === 1 ? 16 : 8;
    const size = short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short === 0 ? to - at : short;
    if (size < header || at + size > to) throw damaged(mediaType, 'it is truncated');
    yield { type: bytes.toString('latin1', at + 4, at + 8), start: at + header, end: at + size };
    at += size;
  }
}

function find(bytes: Buffer, from: number, to: number, type: string): Box {
  for (const box of boxesOf(bytes, from, to)) if (box.type === type) return box;
  throw damaged(mediaType, `it has no ${type.trim()} box`);
}

/** The properties of all items. */
function propertiesOf(bytes: Buffer): Box[] {
  const boxes = [...boxesOf(bytes, 0, bytes.length)];
  const meta = boxes.find(({ type }) => type === 'meta');
  if (!meta && boxes.some(({ type }) => type === 'moov')) {
    throw unsupported(mediaType, 'frames without a still picture', 'save one frame as an image');
  }
  if (!meta) throw damaged(mediaType, 'it has no meta box');
  const properties = find(bytes, meta.start + 4, meta.end, 'iprp');
  const container = find(bytes, properties.start, properties.end, 'ipco');
  return [...boxesOf(bytes, container.start, container.end)];
}

/** Size of the largest item: tiles of a grid, thumbnails and alpha planes are never larger than the image. */
function measure(bytes: Buffer, properties: readonly Box[]): Dimensions {
  let largest: Dimensions = { width: 0, height: 0 };
  for (const { type, start } of properties) {
    if (type !== 'ispe') continue;
    const size = { width: bytes.readUInt32BE(start + 4), height: bytes.readUInt32BE(start + 8) };
    if (size.width * size.height > largest.width * largest.height) largest = size;
  }
  return largest;
}

/** Bit 6 of the third byte of av1C: more than 8 bits per sample. */
function isDeep(bytes: Buffer, properties: readonly Box[]): boolean {
  return properties.some(({ type, start }) => type === 'av1C' && (bytes.readUInt8(start + 2) & 0x40) !== 0);
}

/** Colour encoding of nclx; an ICC profile takes precedence. */
function colourOf(bytes: Buffer, properties: readonly Box[]): ColourEncoding | undefined {
  const kindOf = ({ start }: Box) => bytes.toString('latin1', start, start + 4);
  const colours = properties.filter(({ type }) => type === 'colr');
  const codes = colours.find((box) => kindOf(box) === 'nclx');
  if (!codes || colours.some((box) => kindOf(box) !== 'nclx')) return undefined;
  const encoding = encodingOfCodes(bytes.readUInt16BE(codes.start + 4), bytes.readUInt16BE(codes.start + 6));
  if (typeof encoding === 'string') throw unsupported(mediaType, encoding, 'save it as 8-bit sRGB');
  return encoding;
}

function read(bytes: Buffer): FormatHeader {
  const properties = propertiesOf(bytes);
  const colour = colourOf(bytes, properties);
  return {
    ...measure(bytes, properties),
    ...(isDeep(bytes, properties) && { deep: true }),
    ...(colour && { colour }),
  };
}

/** True where the major brand or a compatible one is AVIF. */
function matches(bytes: Buffer): boolean {
  if (bytes.length < 16 || bytes.toString('latin1', 4, 8) !== 'ftyp') return false;
  const end = Math.min(bytes.readUInt32BE(0), bytes.length, 256);
  for (let at = 8; at + 4 <= end; at += 4) {
    if (at !== 12 && BRANDS.has(bytes.toString('latin1', at, at + 4))) return true;
  }
  return false;
}

/** libvips decides by the major brand; an animation contains its still image under the brand avif. */
function prepare(bytes: Buffer): Buffer {
  if (bytes.toString('latin1', 8, 12) === 'avif') return bytes;
  const prepared = Buffer.from(bytes);
  prepared.write('avif', 8, 'latin1');
  return prepared;
}

export const avif: ImageFormat = { mediaType, matches, read, prepare };
