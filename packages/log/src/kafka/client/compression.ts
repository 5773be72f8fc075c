/**
 * Codecs for records of other clients: kafkajs supports only gzip and fails permanently on any other codec.
 * snappy has two formats (a raw block, and the block stream of the Java client); lz4 uses frames.
 */
import { decompress as decompressZstd } from 'fzstd';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { compress as compressSnappy, uncompress as uncompressSnappy } from 'snappy';

interface CompressionCodec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

/** Magic bytes of snappy-java's stream; two version numbers of four bytes follow. */
const snappyStreamMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const snappyStreamHeader = 16;

async function decompressSnappy(buffer: Buffer): Promise<Buffer> {
  if (!buffer.subarray(0, snappyStreamMagic.length).equals(snappyStreamMagic)) return inflateBlock(buffer);
  const blocks: Promise<Buffer>[] = [];
  for (let at = snappyStreamHeader; at < buffer.length; ) {
    const length = buffer.readInt32BE(at);
    blocks.push(inflateBlock(buffer.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(await Promise.all(blocks));
}

async function inflateBlock(block: Buffer): Promise<Buffer> {
  return (await uncompressSnappy(block, { asBuffer: true })) as Buffer;
}

const snappy: CompressionCodec = {
  compress: async ({ buffer }) => compressSnappy(buffer),
  decompress: decompressSnappy,
};

const lz4: CompressionCodec = {
  compress: async ({ buffer }) => compressFrame(buffer),
  decompress: async (buffer) => decompressFrame(buffer),
};

const zstd: CompressionCodec = {
  compress: () => Promise.reject(new Error('writing zstd is not supported')),
  decompress: async (buffer) => {
    const bytes = decompressZstd(buffer);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  },
};

/** Codecs by Kafka's compression type number. */
export const compressionCodecs: ReadonlyMap<number, CompressionCodec> = new Map([
  [2, snappy],
  [3, lz4],
  [4, zstd],
]);
