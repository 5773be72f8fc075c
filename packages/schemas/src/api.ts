/** What the other packages may count on from `@headwater/schemas`; the implementations stand beside this file. */

/** Fixes what an extractor's vectors are; `schemas/vectors/<extractor>.json` keeps the released ones. */
export interface VectorContract {
  /** Extractor id: name and version together, e.g. `lenet-digits.v1`. */
  readonly extractor: string;
  readonly dimensions: number;
  readonly elementType: 'float32';
  readonly byteOrder: 'little-endian';
  /** What the extractor did to the vector before it was written. */
  readonly normalization: 'none' | 'unit' | 'standardized';
  readonly description: string;
}

/** Where schema ids come from. */
export interface SchemaIds {
  readonly kind: 'registry' | 'fingerprint';
  /** Registers (or derives) the id of a schema under a subject. Errors: schema-incompatible, schema-registry-unavailable. */
  register(subject: string, schema: AvroSchema): Promise<number>;
  /** The schema with that id. Errors: schema-unknown, schema-registry-unavailable. */
  lookup(id: number): Promise<AvroSchema>;
}

/** A parsed `.avsc`. */
export type AvroSchema = { readonly type: string; readonly name: string; readonly [key: string]: unknown };

/** Encodes and decodes the values of one topic in Confluent's wire format (0x00, id as int32 BE, Avro body). */
export interface Codec<T> {
  readonly subject: string;
  readonly id: number;
  encode(value: T): Buffer;
  /**
   * Reads with the writer's schema resolved to ours. Synchronous once a writer schema is known, so that hot loops need not wait.
   * Errors: wire-format-invalid, record-empty, schema-unknown, schema-incompatible, avro-invalid, schema-registry-unavailable.
   */
  decode(bytes: Uint8Array): T | Promise<T>;
}
