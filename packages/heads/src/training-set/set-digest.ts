/**
 * Detects a lost, doubled or altered example even where no head would change: the sum modulo 2^256 of one SHA-256 for each
 * example. Like the statistics, it supports addition and subtraction in any order.
 */
import { createHash } from 'node:crypto';
import type { LabelledVector } from '../api.ts';
import { littleEndianBytes } from '../numerics/byte-writer.ts';

const modulus = 1n << 256n;
const version = 'headwater-example.v1';

/**
 * SHA-256 over version, extractor, task, image id, label (each: uint32 LE byte length, then UTF-8), group (a byte 0, or a byte 1 and
 * such a string) and vector (uint32 LE count, then int16 LE): no two different examples have the same encoding.
 */
export function digestExample(extractor: string, task: string, example: LabelledVector): bigint {
  const hash = createHash('sha256');
  const { imageId, label, group, vector } = example;
  const parts = [version, extractor, task, imageId, label].map(encodeText);
  parts.push(group === null ? Uint8Array.of(0) : Buffer.concat([Uint8Array.of(1), encodeText(group)]));
  parts.push(encodeLength(vector.length));
  hash.update(Buffer.concat(parts));
  hash.update(littleEndianBytes(vector));
  return BigInt(`0x${hash.digest('hex')}`);
}

export function addDigest(sum: bigint, digest: bigint): bigint {
  return (sum + digest) % modulus;
}

export function subtractDigest(sum: bigint, digest: bigint): bigint {
  return (sum - digest + modulus) % modulus;
}

/** 64 hexadecimal digits. */
export function formatDigest(sum: bigint): string {
  return sum.toString(16).padStart(64, '0');
}

function encodeText(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([encodeLength(bytes.length), bytes]);
}

function encodeLength(length: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length);
  return bytes;
}
