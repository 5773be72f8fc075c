/**
 * Encodes a record batch (message format v2) into one buffer of its final size. A retry must send the same bytes with
 * the same sequence number, so a batch is encoded once, before its first attempt.
 * Layout: https://kafka.apache.org/documentation/#recordbatch
 */
import { crc32c } from '@node-rs/crc32';
import { type ByteWriter, createByteWriter, sizeOfVarInt } from './byte-writer.ts';

export interface BatchRecord {
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** Identity of a producer at the broker; a later epoch fences earlier ones. */
export interface ProducerIdentity {
  readonly producerId: bigint;
  readonly epoch: number;
}

interface BatchOptions {
  readonly identity: ProducerIdentity;
  /** Sequence number of the first record in its partition. */
  readonly sequence: number;
  readonly transactional: boolean;
}

const headSize = 61;
const at = { length: 8, crc: 17, checked: 21 } as const;
/** Bytes before the length counts. */
const beforeLength = 12;
const magic = 2;
const transactionalBit = 16;
/** Sequence numbers have 31 bits and wrap to 0. */
const sequenceCount = 2 ** 31;

export function sequenceAfter(sequence: number, records: number): number {
  return (sequence + records) % sequenceCount;
}

/** Bytes of the whole batch. `records` must not be empty. */
export function encodeBatch(records: readonly BatchRecord[], options: BatchOptions): Buffer {
  const first = records[0]?.timestamp ?? 0;
  const bodies = records.map((record, index) => bodySize(record, record.timestamp - first, index));
  const size = bodies.reduce((sum, body) => sum + sizeOfVarInt(body) + body, headSize);
  const writer = createByteWriter(size);
  writeHead(writer, records, size, options);
  for (const [index, record] of records.entries()) {
    writer.varInt(bodies[index] ?? 0);
    writeBody(writer, record, record.timestamp - first, index);
  }
  writer.buffer.writeUInt32BE(crc32c(writer.buffer.subarray(at.checked)), at.crc);
  return writer.buffer;
}

function writeHead(
  writer: ByteWriter,
  records: readonly BatchRecord[],
  size: number,
  { identity, sequence, transactional }: BatchOptions,
): void {
  const latest = records.reduce((newest, { timestamp }) => Math.max(newest, timestamp), 0);
  writer.int64(0n); // base offset, which the broker assigns
  writer.int32(size - beforeLength);
  writer.int32(-1); // leader epoch, which the broker assigns
  writer.int8(magic);
  writer.int32(0); // checksum, filled in at the end
  writer.int16(transactional ? transactionalBit : 0);
  writer.int32(records.length - 1);
  writer.int64(BigInt(records[0]?.timestamp ?? 0));
  writer.int64(BigInt(latest));
  writer.int64(identity.producerId);
  writer.int16(identity.epoch);
  writer.int32(sequence);
  writer.int32(records.length);
}

/** Bytes of a record after its length field. */
function bodySize({ key, value, headers }: BatchRecord, timestampDelta: number, index: number): number {
  const names = Object.keys(headers);
  let size = 1 + sizeOfVarInt(timestampDelta) + sizeOfVarInt(index) + sizeOfVarInt(names.length);
  size += sizeOfBytes(key) + sizeOfBytes(value);
  for (const name of names) size += sizeOfBytes(name) + sizeOfBytes(headers[name] ?? null);
  return size;
}

function sizeOfBytes(bytes: Buffer | string | null): number {
  if (bytes === null) return sizeOfVarInt(-1);
  const length = Buffer.byteLength(bytes);
  return sizeOfVarInt(length) + length;
}

function writeBody(
  writer: ByteWriter,
  { key, value, headers }: BatchRecord,
  timestampDelta: number,
  index: number,
): void {
  writer.int8(0);
  writer.varInt(timestampDelta);
  writer.varInt(index);
  writer.varBytes(key);
  writer.varBytes(value);
  const names = Object.keys(headers);
  writer.varInt(names.length);
  for (const name of names) {
    writer.varBytes(name);
    writer.varBytes(headers[name] ?? null);
  }
}
