/**
 * Protobuf messages as lists of fields. Graph editing changes few fields of a net; all others (mainly weights, and fields of
 * newer versions of ONNX) are copied byte for byte, without decoding.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { HeadwaterError } from '@headwater/errors';

export interface Field {
  readonly number: number;
  readonly wire: WireType;
  /** The encoded value, including its length prefix if it has one. */
  readonly raw: Uint8Array;
}

/** Errors: model-invalid if the bytes are not a protobuf message. */
export function readFields(bytes: Uint8Array): Field[] {
  const reader = new BinaryReader(bytes);
  const fields: Field[] = [];
  try {
    while (reader.pos < reader.len) {
      const [number, wire] = reader.tag();
      fields.push({ number, wire, raw: reader.skip(wire, number) });
    }
  } catch (cause) {
    throw new HeadwaterError('model-invalid', 'the file is not an ONNX model, or is truncated', {
      cause,
    });
  }
  return fields;
}

export function writeFields(fields: Iterable<Field>): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  for (const { number, wire, raw } of fields) writer.tag(number, wire).raw(raw);
  return writer.finish();
}

/** The bytes of a string, a message, raw data or packed numbers. */
export function contentOf(field: Field): Uint8Array {
  if (field.wire !== WireType.LengthDelimited) {
    throw new HeadwaterError(
      'model-invalid',
      `field ${field.number} of the ONNX model has an unexpected type`,
    );
  }
  return new BinaryReader(field.raw).bytes();
}

const decoder = new TextDecoder();

export function textOf(field: Field | undefined): string {
  return field === undefined ? '' : decoder.decode(contentOf(field));
}

/** Integers of a repeated field, packed or not, and of a single one. */
export function integersOf(fields: readonly Field[]): number[] {
  return fields.flatMap(({ wire, raw }) => {
    const reader = new BinaryReader(raw);
    const end = wire === WireType.LengthDelimited ? reader.uint32() + reader.pos : reader.len;
    const values: number[] = [];
    while (reader.pos < end) values.push(Number(reader.int64()));
    return values;
  });
}

export function textField(number: number, text: string): Field {
  return { number, wire: WireType.LengthDelimited, raw: new BinaryWriter().string(text).finish() };
}

export function bytesField(number: number, bytes: Uint8Array): Field {
  return { number, wire: WireType.LengthDelimited, raw: new BinaryWriter().bytes(bytes).finish() };
}

export function messageField(number: number, fields: Iterable<Field>): Field {
  return bytesField(number, writeFields(fields));
}

export function integerField(number: number, value: number): Field {
  return { number, wire: WireType.Varint, raw: new BinaryWriter().int64(value).finish() };
}
