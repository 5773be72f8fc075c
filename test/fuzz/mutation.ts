/** Mutates bytes, mostly lengths, offsets and ends, where decoders fail most often. */
import type { Random } from '../chaos/random.ts';

const boundaries = [
  0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];

type Mutate = (bytes: Buffer, random: Random, others: readonly Uint8Array[]) => Buffer;

const mutations: readonly Mutate[] = [
  flipBits,
  setBytes,
  setNumber,
  setNumber,
  cut,
  cutOut,
  repeat,
  insert,
  swap,
  splice,
];

/** Returns one input in a hundred unchanged, so that valid ones are tested as well. */
export function mutate(seed: Uint8Array, random: Random, others: readonly Uint8Array[]): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  if (random.chance(0.01)) return bytes;
  for (let left = random.integer(1, random.chance(0.3) ? 12 : 3); left > 0; left -= 1) {
    bytes = random.pick(mutations)(bytes, random, others);
  }
  return bytes;
}

/** Anywhere, but every other time among the first bytes, where headers are. */
function place(bytes: Buffer, random: Random): number {
  const end = random.chance(0.5) ? Math.min(bytes.length, 128) : bytes.length;
  return random.integer(0, Math.max(0, end - 1));
}

function flipBits(bytes: Buffer, random: Random): Buffer {
  for (let left = random.integer(1, 8); left > 0; left -= 1) {
    const at = place(bytes, random);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(0, 7));
  }
  return bytes;
}

function setBytes(bytes: Buffer, random: Random): Buffer {
  const at = place(bytes, random);
  const value = random.pick([0, 0xff, 0x80, random.integer(0, 255)]);
  return bytes.fill(value, at, Math.min(bytes.length, at + random.integer(1, 16)));
}

function setNumber(bytes: Buffer, random: Random): Buffer {
  const width = random.pick([1, 2, 4] as const);
  if (bytes.length < width) return bytes;
  const at = Math.min(place(bytes, random), bytes.length - width);
  const value = (random.pick(boundaries) + random.integer(-2, 2)) >>> 0;
  const number = value % 2 ** (8 * width);
  if (random.chance(0.5)) bytes.writeUIntBE(number, at, width);
  else bytes.writeUIntLE(number, at, width);
  return bytes;
}

function cut(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, random.integer(0, bytes.length));
}

function cutOut(bytes: Buffer, random: Random): Buffer {
  const at = place(bytes, random);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 64))]);
}

function repeat(bytes: Buffer, random: Random): Buffer {
  const at = place(bytes, random);
  const part = bytes.subarray(at, at + random.integer(1, 64));
  const copies = Array.from({ length: random.integer(1, 8) }, () => part);
  return Buffer.concat([bytes.subarray(0, at), ...copies, bytes.subarray(at)]);
}

function insert(bytes: Buffer, random: Random): Buffer {
  const at = place(bytes, random);
  const added = Buffer.from(Array.from({ length: random.integer(1, 32) }, () => random.integer(0, 255)));
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)]);
}

function swap(bytes: Buffer, random: Random): Buffer {
  const [a, b] = [place(bytes, random), place(bytes, random)].sort((x, y) => x - y) as [number, number];
  const parts = [bytes.subarray(0, a), bytes.subarray(b), bytes.subarray(a, b)];
  return Buffer.concat(parts);
}

function splice(bytes: Buffer, random: Random, others: readonly Uint8Array[]): Buffer {
  const other = others.length === 0 ? bytes : random.pick(others);
  const from = random.integer(0, Math.max(0, other.length - 1));
  return Buffer.concat([bytes.subarray(0, place(bytes, random)), other.subarray(from)]);
}
