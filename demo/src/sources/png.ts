/**
 * Encodes gray images as PNG without an image library. The pixels are stored uncompressed: the output of
 * compressors differs between versions, and the id of an image is the digest of its bytes, so a digit has the
 * same id on every machine.
 */
import { crc32, deflateSync } from 'node:zlib';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const greyscale = 0;
const noFilter = 0;

interface GreyImage {
  readonly width: number;
  readonly height: number;
  /** width × height bytes, row by row, 0 is black. */
  readonly pixels: Uint8Array;
}

/** Encodes an 8-bit grey image as PNG (PNG specification, third edition, sections 5 and 11). */
export function encodePng(image: GreyImage): Buffer {
  return Buffer.concat([
    signature,
    chunk('IHDR', header(image)),
    chunk('IDAT', deflateSync(scanlines(image), { level: 0 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function header({ width, height }: GreyImage): Buffer {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt32BE(width, 0);
  bytes.writeUInt32BE(height, 4);
  bytes[8] = 8;
  bytes[9] = greyscale;
  return bytes;
}

function scanlines({ width, height, pixels }: GreyImage): Buffer {
  const rows = Buffer.alloc((width + 1) * height, noFilter);
  for (let row = 0; row < height; row++) {
    rows.set(pixels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  return rows;
}

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, data.length + 8)), data.length + 8);
  return bytes;
}
