/** Confluent's wire format: a zero byte, the schema id as a big-endian int32, the Avro body. */
import { HeadwaterError } from '@headwater/errors';

export const headerLength = 5;

/** The writer's schema id. Errors: record-empty, wire-format-invalid. */
export function readSchemaId(bytes: Buffer): number {
  if (bytes.length === 0) throw new HeadwaterError('record-empty', 'the record has an empty value');
  if (bytes.length < headerLength || bytes[0] !== 0) {
    throw new HeadwaterError(
      'wire-format-invalid',
      "the value does not start with a zero byte and a schema id; send it in Confluent's wire format",
      { context: { byteLength: bytes.length } },
    );
  }
  return bytes.readInt32BE(1);
}

export function writeSchemaId(bytes: Buffer, id: number): void {
  bytes[0] = 0;
  bytes.writeInt32BE(id, 1);
}

/** A Buffer view of the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
