/** PNG (ISO/IEC 15948): IHDR, then a walk over the chunk lengths up to IEND. */
import type { Dimensions, ImageFormat } from './api.ts';
import { damaged } from './damage.ts';

const mediaType = 'image/png';
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length, type and CRC of a chunk. */
const CHUNK_OVERHEAD = 12;

function checkChunks(bytes: Buffer): void {
  let at = SIGNATURE.length;
  let data = false;
  while (at + CHUNK_OVERHEAD <= bytes.length) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    at += CHUNK_OVERHEAD + bytes.readUInt32BE(at);
    if (at > bytes.length) break;
    if (type === 'IDAT') data = true;
    if (type === 'IEND') {
      if (!data) throw damaged(mediaType, 'it has no image data');
      return;
    }
  }
  throw damaged(mediaType, 'it is cut short');
}

function measure(bytes: Buffer): Dimensions {
  if (bytes.toString('latin1', 12, 16) !== 'IHDR') throw damaged(mediaType, 'it does not start with IHDR');
  const dimensions = { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  checkChunks(bytes);
  return dimensions;
}

export const png: ImageFormat = {
  mediaType,
  matches: (bytes) => bytes.length >= 8 && bytes.subarray(0, 8).equals(SIGNATURE),
  measure,
};
