/** Public types of `@headwater/schemas`. */

/** Contract of an extractor's vectors; released contracts are in `schemas/vectors/<extractor>.json`. */
export interface VectorContract {
  /** Extractor id: name and version together, e.g. `lenet-digits.v1`. */
  readonly extractor: string;
  readonly dimensions: number;
  readonly elementType: 'float32';
  readonly byteOrder: 'little-endian';
  /** Normalization that the extractor applied to the vector. */
  readonly normalization: 'none' | 'unit' | 'standardized';
  readonly description: string;
}

/** Source of schema ids. */
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
   * Decodes with schema resolution from the writer's schema. Synchronous for known writer schemas, for hot loops.
   * Errors: wire-format-invalid, record-empty, schema-unknown, schema-incompatible, avro-invalid, schema-registry-unavailable.
   */
  decode(bytes: Uint8Array): T | Promise<T>;
}
