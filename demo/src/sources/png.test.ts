import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodePng } from './png.ts';

/** Reads PNG chunks back, independent of the writer. */
function chunksOf(png: Buffer): Map<string, Buffer> {
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.set(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  return chunks;
}

describe('encodePng', () => {
  const pixels = Uint8Array.from({ length: 6 }, (_, index) => index * 40);
  const png = encodePng({ width: 3, height: 2, pixels });

  it('starts with the signature and states size, depth and colour type', () => {
    expect(png.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
    expect([...(chunksOf(png).get('IHDR') ?? [])]).toEqual([0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0]);
  });

  it('keeps every pixel, one unfiltered row after the other', () => {
    const rows = inflateSync(chunksOf(png).get('IDAT') ?? Buffer.alloc(0));
    expect([...rows]).toEqual([0, 0, 40, 80, 0, 120, 160, 200]);
  });

  it('ends with the IEND chunk whose checksum every PNG shares', () => {
    expect(png.subarray(-12).toString('hex')).toBe('0000000049454e44ae426082');
  });
});
