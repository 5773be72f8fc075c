/**
 * Writes Kafka's types into a buffer of known size. kafkajs' encoder copies each record several times and doubles its
 * buffer, which took most of the CPU time of producing.
 */

/** Sequential writes; a write past the end throws a RangeError. */
export interface ByteWriter {
  readonly buffer: Buffer;
  int8(value: number): void;
  int16(value: number): void;
  int32(value: number): void;
  int64(value: bigint): void;
  /** A zigzag varint of up to 53 bits, which covers Kafka's varlong for timestamps. */
  varInt(value: number): void;
  /** Length as a varint, then the bytes; null has length −1. */
  varBytes(value: Buffer | string | null): void;
  /** Length as an int16, then UTF-8. */
  string(value: string | null): void;
  /** Bytes without a length. */
  raw(value: Buffer): void;
}

/** `size` in bytes. */
export function createByteWriter(size: number): ByteWriter {
  const buffer = Buffer.allocUnsafe(size);
  let offset = 0;
  const varInt = (value: number) => {
    let rest = zigzag(value);
    while (rest >= 0x80) {
      buffer.writeUInt8((rest % 0x80) + 0x80, offset);
      offset += 1;
      rest = Math.floor(rest / 0x80);
    }
    buffer.writeUInt8(rest, offset);
    offset += 1;
  };
  const raw = (value: Buffer) => {
    if (offset + value.length > size) throw new RangeError('written past the end of the buffer');
    value.copy(buffer, offset);
    offset += value.length;
  };
  const text = (value: string) => {
    offset += buffer.write(value, offset, 'utf8');
  };
  return {
    buffer,
    int8: (value) => {
      offset = buffer.writeInt8(value, offset);
    },
    int16: (value) => {
      offset = buffer.writeInt16BE(value, offset);
    },
    int32: (value) => {
      offset = buffer.writeInt32BE(value, offset);
    },
    int64: (value) => {
      offset = buffer.writeBigInt64BE(value, offset);
    },
    varInt,
    varBytes: (value) => {
      if (value === null) return varInt(-1);
      varInt(Buffer.byteLength(value));
      if (typeof value === 'string') text(value);
      else raw(value);
    },
    string: (value) => {
      offset = buffer.writeInt16BE(value === null ? -1 : Buffer.byteLength(value), offset);
      if (value !== null) text(value);
    },
    raw,
  };
}

/** Bytes that `varInt` writes. */
export function sizeOfVarInt(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** Arithmetic instead of shifts: differences of timestamps can exceed 32 bits. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}
