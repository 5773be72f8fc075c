/** TIFF 6.0, both byte orders: the first directory of the file. BigTIFF is not taken. */
import type { Dimensions, ImageFormat } from './api.ts';
import { damaged } from './damage.ts';

const mediaType = 'image/tiff';
const WIDTH = 256;
const HEIGHT = 257;
const TYPE_SHORT = 3;
const ENTRY_BYTES = 12;

/** Reads unsigned integers in the byte order that the file states. */
function readerOf(bytes: Buffer): { short(at: number): number; long(at: number): number } {
  return bytes[0] === 0x49
    ? { short: (at) => bytes.readUInt16LE(at), long: (at) => bytes.readUInt32LE(at) }
    : { short: (at) => bytes.readUInt16BE(at), long: (at) => bytes.readUInt32BE(at) };
}

function measure(bytes: Buffer): Dimensions {
  const read = readerOf(bytes);
  const directory = read.long(4);
  const fields = new Map<number, number>();
  const entries = read.short(directory);
  for (let index = 0; index < entries; index += 1) {
    const entry = directory + 2 + index * ENTRY_BYTES;
    const tag = read.short(entry);
    if (tag > HEIGHT) break; // entries are sorted by tag
    fields.set(tag, read.short(entry + 2) === TYPE_SHORT ? read.short(entry + 8) : read.long(entry + 8));
  }
  const [width, height] = [fields.get(WIDTH), fields.get(HEIGHT)];
  if (width === undefined || height === undefined) throw damaged(mediaType, 'it does not state its size');
  return { width, height };
}

export const tiff: ImageFormat = {
  mediaType,
  matches: (bytes) => ['II*\0', 'MM\0*'].includes(bytes.toString('latin1', 0, 4)),
  measure,
};
