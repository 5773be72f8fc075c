/** PNG (ISO/IEC 15948): reads IHDR, the colour chunks, and the chunk lengths up to IEND. */
import type { FormatHeader, ImageFormat } from './api.ts';
import { type ColourEncoding, colourEncoding, encodingOfCodes, type Primaries } from './colour-encoding.ts';
import { orientationOfExif } from './orientation.ts';
import { damaged, unsupported } from './refusals.ts';

const mediaType = 'image/png';
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length, type and CRC of a chunk. */
const CHUNK_OVERHEAD = 12;

/** Chunk data by type. */
type Chunks = ReadonlyMap<string, Buffer>;
/** Chunks with colour and orientation. */
const RELEVANT = new Set(['cICP', 'iCCP', 'sRGB', 'gAMA', 'cHRM', 'eXIf']);

/** Reads the relevant chunks, the first of each type. */
function readChunks(bytes: Buffer): Chunks {
  const chunks = new Map<string, Buffer>();
  let at = SIGNATURE.length;
  let data = false;
  while (at + CHUNK_OVERHEAD <= bytes.length) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    const start = at + 8;
    at += CHUNK_OVERHEAD + bytes.readUInt32BE(at);
    if (at > bytes.length) break;
    if (type === 'IDAT') data = true;
    if (RELEVANT.has(type) && !chunks.has(type)) chunks.set(type, bytes.subarray(start, at - 4));
    if (type === 'IEND') {
      if (!data) throw damaged(mediaType, 'it has no image data');
      return chunks;
    }
  }
  throw damaged(mediaType, 'it is truncated');
}

/** Unit of gAMA and cHRM: 1/100,000. */
const PARTS = 100_000;
/** The gamma of 1/2.2 that programs write besides or instead of an sRGB chunk. */
const SRGB_GAMMA = 45_455;
const GAMMA_TOLERANCE = 500;

function transferOf(chunk: Buffer | undefined): ColourEncoding['transfer'] {
  const gamma = chunk?.length === 4 ? chunk.readUInt32BE(0) : 0;
  return gamma === 0 || Math.abs(gamma - SRGB_GAMMA) <= GAMMA_TOLERANCE ? 'srgb' : PARTS / gamma;
}

function primariesOf(chunk: Buffer | undefined): Primaries | undefined {
  if (chunk?.length !== 32) return undefined;
  const at = (index: number) => chunk.readUInt32BE(index * 4) / PARTS;
  return [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
}

const REMEDY = 'save it as 8-bit sRGB';

/** Coding-independent code points: primaries, transfer, matrix (always RGB), full range. */
function encodingOfCicp(chunk: Buffer): ColourEncoding | undefined {
  if (chunk.readUInt8(3) === 0) throw unsupported(mediaType, 'samples of narrow range', REMEDY);
  const encoding = encodingOfCodes(chunk.readUInt8(0), chunk.readUInt8(1));
  if (typeof encoding === 'string') throw unsupported(mediaType, encoding, REMEDY);
  return encoding;
}

/** Precedence by the third edition: cICP, then iCCP, sRGB, and gAMA with cHRM. */
function colourOf(chunks: Chunks): Pick<FormatHeader, 'colour' | 'ignoreProfile'> {
  const cicp = chunks.get('cICP');
  if (cicp?.length === 4) {
    const colour = encodingOfCicp(cicp);
    return { ignoreProfile: true, ...(colour && { colour }) };
  }
  if (chunks.has('iCCP') || chunks.has('sRGB')) return {};
  const colour = colourEncoding(primariesOf(chunks.get('cHRM')), transferOf(chunks.get('gAMA')));
  return colour ? { colour } : {};
}

function read(bytes: Buffer): FormatHeader {
  if (bytes.toString('latin1', 12, 16) !== 'IHDR') throw damaged(mediaType, 'it does not start with IHDR');
  const dimensions = { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  const chunks = readChunks(bytes);
  const orientation = orientationOfExif(chunks.get('eXIf'));
  return { ...dimensions, ...(bytes[24] === 16 && { deep: true }), ...colourOf(chunks), ...orientation };
}

export const png: ImageFormat = {
  mediaType,
  matches: (bytes) => bytes.length >= 8 && bytes.subarray(0, 8).equals(SIGNATURE),
  read,
};
