/** AVIF: an ISO base media file whose `meta` box lists the sizes of its items (`ispe`). */
import type { Dimensions, ImageFormat } from './api.ts';
import { damaged } from './damage.ts';

const mediaType = 'image/avif';
const BRANDS = new Set(['avif', 'avis']);

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** The boxes between two offsets, in order. A box that reaches past its parent is damage. */
function* boxesOf(bytes: Buffer, from: number, to: number): Generator<Box> {
  let at = from;
  while (at < to) {
    const short = bytes.readUInt32BE(at);
    const header = short === 1 ? 16 : 8;
    const size = short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short === 0 ? to - at : short;
    if (size < header || at + size > to) throw damaged(mediaType, 'it is cut short');
    yield { type: bytes.toString('latin1', at + 4, at + 8), start: at + header, end: at + size };
    at += size;
  }
}

function find(bytes: Buffer, from: number, to: number, type: string): Box {
  for (const box of boxesOf(bytes, from, to)) if (box.type === type) return box;
  throw damaged(mediaType, `it has no ${type.trim()} box`);
}

/** The largest item counts: the tiles of a grid, thumbnails and alpha planes are never larger than the picture. */
function measure(bytes: Buffer): Dimensions {
  let meta: Box | undefined;
  for (const box of boxesOf(bytes, 0, bytes.length)) if (box.type === 'meta') meta ??= box;
  if (!meta) throw damaged(mediaType, 'it has no meta box');
  const properties = find(bytes, meta.start + 4, meta.end, 'iprp');
  const container = find(bytes, properties.start, properties.end, 'ipco');
  let largest: Dimensions = { width: 0, height: 0 };
  for (const box of boxesOf(bytes, container.start, container.end)) {
    if (box.type !== 'ispe') continue;
    const size = { width: bytes.readUInt32BE(box.start + 4), height: bytes.readUInt32BE(box.start + 8) };
    if (size.width * size.height > largest.width * largest.height) largest = size;
  }
  return largest;
}

/** The major brand, or one of the compatible ones, says AVIF. */
function matches(bytes: Buffer): boolean {
  if (bytes.length < 16 || bytes.toString('latin1', 4, 8) !== 'ftyp') return false;
  const end = Math.min(bytes.readUInt32BE(0), bytes.length, 256);
  for (let at = 8; at + 4 <= end; at += 4) {
    if (at !== 12 && BRANDS.has(bytes.toString('latin1', at, at + 4))) return true;
  }
  return false;
}

export const avif: ImageFormat = { mediaType, matches, measure };
