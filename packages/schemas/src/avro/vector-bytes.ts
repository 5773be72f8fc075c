/**
 * Converts vectors to bytes and back. Avro's bytes are unaligned and little-endian by contract; typed arrays are
 * aligned and have the machine's byte order. Reading copies once; writing uses a view where possible.
 */
import { endianness } from 'node:os';

const littleEndian = endianness() === 'LE';

function orderBytes(bytes: Buffer, elementSize: 2 | 4): Buffer {
  if (littleEndian) return bytes;
  return elementSize === 2 ? bytes.swap16() : bytes.swap32();
}

/** Little-endian bytes of a vector; on a little-endian machine a view of its memory. */
export function bytesOfVector(vector: Float32Array | Int16Array): Buffer {
  const view = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  if (littleEndian) return view;
  return orderBytes(Buffer.from(view), vector instanceof Float32Array ? 4 : 2);
}

/** A copy of the bytes, whose length must be a multiple of four. */
export function float32Of(bytes: Uint8Array): Float32Array {
  const vector = new Float32Array(bytes.byteLength / 4);
  const memory = Buffer.from(vector.buffer);
  memory.set(bytes);
  orderBytes(memory, 4);
  return vector;
}

/** A copy of the bytes, whose length must be even. */
export function int16Of(bytes: Uint8Array): Int16Array {
  const vector = new Int16Array(bytes.byteLength / 2);
  const memory = Buffer.from(vector.buffer);
  memory.set(bytes);
  orderBytes(memory, 2);
  return vector;
}
