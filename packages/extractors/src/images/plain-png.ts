/**
 * Reads small gray PNGs that already have the size of the net's input without libvips: for a picture of 28 × 28 the call alone
 * costs twenty times as much as the pixels. Only the simplest files are read, and nothing is rejected here: all other files
 * take the normal path, which also reports errors.
 */
import { crc32, inflateSync } from 'node:zlib';
import type { Preprocessing } from '../table/definition.ts';

/** Larger pictures would block the event loop for too long. */
const largestSide = 64;
const signatureLength = 8;
/** Length, type and checksum. */
const chunkOverhead = 12;

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** All chunks up to IEND; undefined if the file does not end there or a checksum is wrong. */
function readChunks(png: Buffer): Chunk[] | undefined {
  const chunks: Chunk[] = [];
  for (let at = signatureLength; at + chunkOverhead <= png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    if (end + 4 > png.length || crc32(png.subarray(at + 4, end)) !== png.readUInt32BE(end)) return undefined;
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, end) });
    at = end + 4;
    if (chunks.at(-1)?.type === 'IEND') return at === png.length ? chunks : undefined;
  }
  return undefined;
}

/** 8-bit gray, not interlaced, of just that size. */
function isPlain(header: Buffer, side: number): boolean {
  const [depth, colour, compression, filter, interlace] = header.subarray(8);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  if (header.length !== 13 || width !== side || height !== side) return false;
  return depth === 8 && colour === 0 && compression === 0 && filter === 0 && interlace === 0;
}

/** Paeth's predictor: the neighbour nearest to left + above − corner (PNG specification, 9.4). */
function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

type Predictor = (left: number, above: number, corner: number) => number;

/** By filter type. */
const predictors: readonly Predictor[] = [
  () => 0,
  (left) => left,
  (_, above) => above,
  (left, above) => (left + above) >> 1,
  paeth,
];

/** Undoes the filters of rows that each begin with their filter's type. */
function unfilter(rows: Buffer, side: number): Uint8Array | undefined {
  const pixels = new Uint8Array(side * side);
  for (let y = 0; y < side; y += 1) {
    const row = y * (side + 1);
    const predict = predictors[rows[row] ?? 255];
    if (!predict) return undefined;
    for (let x = 0; x < side; x += 1) {
      const at = y * side + x;
      const left = x > 0 ? (pixels[at - 1] ?? 0) : 0;
      const above = pixels[at - side] ?? 0;
      const corner = x > 0 ? (pixels[at - side - 1] ?? 0) : 0;
      pixels[at] = (rows[row + 1 + x] ?? 0) + predict(left, above, corner);
    }
  }
  return pixels;
}

/** The pixels of a plain gray PNG of the net's size; undefined for everything else, including damaged files. */
export function readPlainPng(image: Uint8Array, { colour, side }: Preprocessing): Uint8Array | undefined {
  if (colour !== 'gray' || side > largestSide || image.length > 4 * side * side + 1024) return undefined;
  const png = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  const [header, ...rest] = readChunks(png) ?? [];
  if (header?.type !== 'IHDR' || !isPlain(header.data, side)) return undefined;
  // Physical size, which encoders often write and which changes no pixel.
  const data = rest.slice(rest[0]?.type === 'pHYs' ? 1 : 0, -1);
  if (data.length === 0 || data.some(({ type }) => type !== 'IDAT')) return undefined;
  try {
    const rows = inflateSync(Buffer.concat(data.map((chunk) => chunk.data)), {
      maxOutputLength: side * (side + 1),
    });
    return rows.length === side * (side + 1) ? unfilter(rows, side) : undefined;
  } catch {
    return undefined;
  }
}
