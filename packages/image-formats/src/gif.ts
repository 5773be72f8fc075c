/** GIF (GIF87a, GIF89a): reads the logical screen, then the blocks up to the end of the first image. */
import type { Dimensions, ImageFormat } from './api.ts';
import { damaged } from './refusals.ts';

const mediaType = 'image/gif';

const colourTable = (flags: number) => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));

/** Sub-blocks are a length byte and that many bytes; a length of zero ends them. */
function skipSubBlocks(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes.readUInt8(at);
    at += 1 + length;
    if (length === 0) return at;
  }
}

/** Offset of the image descriptor of the first image. */
function findPicture(bytes: Buffer): number {
  let at = 13 + colourTable(bytes.readUInt8(10));
  while (bytes.readUInt8(at) === 0x21) at = skipSubBlocks(bytes, at + 2);
  if (bytes.readUInt8(at) !== 0x2c) throw damaged(mediaType, 'it has no image');
  return at;
}

/** An image may exceed its logical screen, and decoders then enlarge the canvas: the larger size counts. */
function read(bytes: Buffer): Dimensions {
  const picture = findPicture(bytes);
  skipSubBlocks(bytes, picture + 11 + colourTable(bytes.readUInt8(picture + 9)));
  const reach = (at: number) => bytes.readUInt16LE(picture + at) + bytes.readUInt16LE(picture + at + 4);
  return {
    width: Math.max(bytes.readUInt16LE(6), reach(1)),
    height: Math.max(bytes.readUInt16LE(8), reach(3)),
  };
}

export const gif: ImageFormat = {
  mediaType,
  matches: (bytes) => /^GIF8[79]a$/.test(bytes.toString('latin1', 0, 6)),
  read,
};
