/** WebP (RFC 9649): reads the RIFF length, then the header of the lossy, lossless or extended form. */
import type { Dimensions, ImageFormat } from './api.ts';
import { damaged } from './refusals.ts';

const mediaType = 'image/webp';

function measureLossy(bytes: Buffer): Dimensions {
  if (bytes.readUIntBE(23, 3) !== 0x9d012a) throw damaged(mediaType, 'its key frame has no start code');
  return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
}

function measureLossless(bytes: Buffer): Dimensions {
  if (bytes.readUInt8(20) !== 0x2f) throw damaged(mediaType, 'its lossless stream has no signature');
  const bits = bytes.readUInt32LE(21);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

const measureExtended = (bytes: Buffer): Dimensions => ({
  width: bytes.readUIntLE(24, 3) + 1,
  height: bytes.readUIntLE(27, 3) + 1,
});

function read(bytes: Buffer): Dimensions {
  if (bytes.readUInt32LE(4) + 8 > bytes.length) throw damaged(mediaType, 'it is truncated');
  const form = bytes.toString('latin1', 12, 16);
  if (form === 'VP8 ') return measureLossy(bytes);
  if (form === 'VP8L') return measureLossless(bytes);
  if (form === 'VP8X') return measureExtended(bytes);
  throw damaged(mediaType, 'its first chunk is not an image');
}

export const webp: ImageFormat = {
  mediaType,
  matches: (bytes) => bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
  read,
};
