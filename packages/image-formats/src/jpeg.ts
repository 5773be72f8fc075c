/** JPEG (ITU-T T.81): reads the marker segments up to the first scan. */
import type { Dimensions, FormatHeader, ImageFormat } from './api.ts';
import { hasAllScans } from './jpeg-scans.ts';
import { orientationOfExif } from './orientation.ts';
import { damaged, unsupported } from './refusals.ts';

const mediaType = 'image/jpeg';
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

/** SOF0–SOF15 without DHT (C4), JPG (C8) and DAC (CC), which are in the same range. */
const isFrame = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** TEM and RST0–RST7, which have no length field. */
const standsAlone = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

/** SOF3, 7, 11 and 15; SOF5 to 7 and 13 to 15 are hierarchical. */
const isLossless = (frame: number) => frame % 4 === 3;
const isHierarchical = (frame: number) => frame % 8 >= 5;

interface Frame extends Dimensions {
  /** 0 to 15, for SOF0 to SOF15. */
  readonly kind: number;
  readonly bits: number;
  readonly components: number;
}

interface Start {
  readonly frame: Frame;
  /** Offset of the marker of the first scan. */
  readonly scan: number;
  readonly exif: Buffer | undefined;
}

function frameAt(bytes: Buffer, at: number): Frame {
  const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
  const [bits, components] = [bytes.readUInt8(at + 4), bytes.readUInt8(at + 9)];
  return { kind: bytes.readUInt8(at + 1) & 0xf, bits, components, width, height };
}

const EXIF = Buffer.from('Exif\0\0', 'latin1');

/** Undefined where the segment has no EXIF data. */
function exifAt(bytes: Buffer, at: number, length: number): Buffer | undefined {
  const segment = bytes.subarray(at + 4, at + 2 + length);
  return segment.subarray(0, EXIF.length).equals(EXIF) ? segment.subarray(EXIF.length) : undefined;
}

function findScan(bytes: Buffer): Start {
  let frame: Frame | undefined;
  let exif: Buffer | undefined;
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
      return { frame, scan: at, exif };
    }
    if (marker === 0xd9) throw damaged(mediaType, 'it ends before its first scan');
    if (standsAlone(marker)) {
      at += 2;
      continue;
    }
    if (isFrame(marker)) frame ??= frameAt(bytes, at);
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) throw damaged(mediaType, 'a segment is shorter than its length field');
    if (marker === 0xe1) exif ??= exifAt(bytes, at, length);
    at += 2 + length;
  }
}

function checkSupported({ kind, bits }: Frame): void {
  const remedy = 'save it as an 8-bit baseline or progressive JPEG';
  if (isLossless(kind)) throw unsupported(mediaType, 'lossless coding', remedy);
  if (isHierarchical(kind)) throw unsupported(mediaType, 'hierarchical coding', remedy);
  if (bits !== 8) throw unsupported(mediaType, `${bits}-bit samples`, remedy);
}

/** SOF2, with Huffman codes. */
const PROGRESSIVE = 2;

/** Offset of the end-of-image marker, or the length where it is missing. */
function endOf(bytes: Buffer, scan: number): number {
  const end = bytes.indexOf(END_OF_IMAGE, scan);
  return end < 0 ? bytes.length : end;
}

/** Length, one component, spectrum and approximation. */
const SHORTEST_SCAN_HEADER = 8;

/** Accepts a file without an end-of-image marker: the decoder finds out whether image data is missing. */
function read(bytes: Buffer): FormatHeader {
  const { frame, scan, exif } = findScan(bytes);
  checkSupported(frame);
  const length = bytes.readUInt16BE(scan + 2);
  if (length < SHORTEST_SCAN_HEADER)
    throw damaged(mediaType, 'a scan header is too short for its parameters');
  if (scan + 2 + length > bytes.length) throw damaged(mediaType, 'it is truncated');
  if (frame.kind === PROGRESSIVE) {
    const image = bytes.subarray(0, endOf(bytes, scan));
    if (!hasAllScans(image, scan, frame.components)) throw damaged(mediaType, 'its last scans are missing');
  }
  return { width: frame.width, height: frame.height, ...orientationOfExif(exif) };
}

/** Parameters of a sequential scan: coefficients 0 to 63, no successive approximation. */
const WHOLE_SPECTRUM = Buffer.from([0, 63, 0]);

/** Some phones write other parameters, which decoders ignore with a warning. */
function fixParameters(bytes: Buffer, scan: number): void {
  WHOLE_SPECTRUM.copy(bytes, scan + 2 + bytes.readUInt16BE(scan + 2) - WHOLE_SPECTRUM.length);
}

/** Bits for the read-ahead of a decoder, too few for more than two blocks; FF within a scan is written as FF 00. */
const READ_AHEAD = Buffer.from('ff00'.repeat(8), 'hex');

/** A single scan of all components is decoded in one pass, in which damage of the last rows is not reported. */
function isOnePass(bytes: Buffer, { frame, scan }: Start): boolean {
  return frame.kind <= 1 && bytes.readUInt8(scan + 4) === frame.components;
}

/**
 * Makes the decoder fail on any damage of the scan, and on nothing else. In one pass, the end-of-image marker is
 * removed, so that a truncated scan runs out of bytes; with the marker, the decoder would fill it with gray.
 */
function prepare(bytes: Buffer, allocate: (bytes: number) => Buffer): Buffer {
  const start = findScan(bytes);
  const end = endOf(bytes, start.scan);
  if (isOnePass(bytes, start)) {
    const prepared = allocate(end + READ_AHEAD.length);
    bytes.copy(prepared, 0, 0, end);
    READ_AHEAD.copy(prepared, end);
    fixParameters(prepared, start.scan);
    return prepared;
  }
  return end === bytes.length ? Buffer.concat([bytes, END_OF_IMAGE]) : bytes;
}

export const jpeg: ImageFormat = {
  mediaType,
  matches: (bytes) => bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff,
  read,
  prepare,
};
