/** JPEG (ITU-T T.81): a walk over the marker segments up to the first scan. */
import type { Dimensions, ImageFormat } from './api.ts';
import { damaged } from './damage.ts';

const mediaType = 'image/jpeg';
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

/** SOF0–SOF15 without DHT (C4), JPG (C8) and DAC (CC), which share the range. */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** TEM and RST0–RST7, which have no length. */
const standsAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

/** Within a scan FF is followed by 00 or by a marker, so that FF D9 can only be the end of the image. */
function checkEnd(bytes: Buffer, scan: number): void {
  const complete = bytes.readUInt16BE(bytes.length - 2) === 0xffd9;
  if (!complete && bytes.indexOf(END_OF_IMAGE, scan) === -1)
    throw damaged(mediaType, 'it ends within a scan');
}

function measure(bytes: Buffer): Dimensions {
  let frame: Dimensions | undefined;
  let at = 2;
  for (;;) {
    if (bytes.readUInt8(at) !== 0xff) throw damaged(mediaType, 'a marker is missing');
    const marker = bytes.readUInt8(at + 1);
    if (marker === 0xff) {
      at += 1; // fill byte
      continue;
    }
    if (marker === 0xda) {
      if (!frame) throw damaged(mediaType, 'a scan comes before its frame');
      checkEnd(bytes, at);
      return frame;
    }
    if (marker === 0xd9) throw damaged(mediaType, 'it ends before its first scan');
    if (standsAlone(marker)) {
      at += 2;
      continue;
    }
    if (isFrame(marker)) frame ??= { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) throw damaged(mediaType, 'a segment has no room for its length');
    at += 2 + length;
  }
}

export const jpeg: ImageFormat = {
  mediaType,
  matches: (bytes) => bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff,
  measure,
};
