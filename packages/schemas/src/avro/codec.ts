/**
 * One codec for all records: Confluent's wire format around avsc. What differs between records (which fields are typed arrays)
 * is a mapping; what differs between writers is a decoder, made once for each writer's schema and kept.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Type } from 'avsc';
import type { AvroSchema, Codec, SchemaIds } from '../api.ts';
import { BoundedMap } from '../schema-ids/bounded-map.ts';
import { parseType } from './avro-types.ts';
import { incompatibilities } from './compatibility.ts';
import { asBuffer, headerLength, readSchemaId, writeSchemaId } from './wire-format.ts';

/** Between a record as TypeScript sees it and as avsc does. */
export interface Mapping<T> {
  toAvro(record: T): object;
  fromAvro(value: unknown): T;
}

/** Reads bodies (with their headers) of one writer's schema. */
export type Decoder<T> = (bytes: Buffer) => T;

/** Writers whose decoders one codec keeps; a topic seldom has more than a handful. */
const maximumWriters = 256;

/** Chooses decoders by the writer's schema id: at once for those it has seen, after a look-up for others. */
export function createReader<T>(ids: SchemaIds, decoderFor: (writer: AvroSchema) => Decoder<T>) {
  const decoders = new BoundedMap<number, Decoder<T>>(maximumWriters);
  const learn = async (id: number, bytes: Buffer): Promise<T> => {
    const decoder = decoderFor(await ids.lookup(id));
    decoders.set(id, decoder);
    return decoder(bytes);
  };
  return {
    know: (id: number, decoder: Decoder<T>): void => decoders.set(id, decoder),
    decode(value: Uint8Array): T | Promise<T> {
      const bytes = asBuffer(value);
      const id = readSchemaId(bytes);
      const decoder = decoders.get(id);
      return decoder === undefined ? learn(id, bytes) : decoder(bytes);
    },
  };
}

/** Registers the schema of a topic's values and opens their codec. Errors: schema-incompatible, schema-registry-unavailable. */
export async function createCodec<T>(
  ids: SchemaIds,
  topic: string,
  schema: AvroSchema,
  mapping: Mapping<T>,
): Promise<Codec<T>> {
  const type = parseType(schema);
  const subject = `${topic}-value`;
  const id = await ids.register(subject, schema);
  const reader = createReader(ids, (writer) => resolvingDecoder(schema, type, writer, mapping));
  reader.know(id, (bytes) => readBody(() => mapping.fromAvro(type.fromBuffer(bytes.subarray(headerLength)))));
  return {
    subject,
    id,
    encode: (record) => writeBody(type, id, mapping.toAvro(record)),
    decode: reader.decode,
  };
}

/** Reads with the writer's schema resolved to ours. Errors: schema-incompatible, which is the record's fault here. */
export function resolvingDecoder<T>(
  schema: AvroSchema,
  type: Type,
  writer: AvroSchema,
  mapping: Mapping<T>,
): Decoder<T> {
  const problems = incompatibilities(schema, writer);
  if (problems.length > 0) throw unreadable(schema, problems);
  const resolver = type.createResolver(parseType(writer));
  return (bytes) => readBody(() => mapping.fromAvro(type.fromBuffer(bytes.subarray(headerLength), resolver)));
}

/** A record of a schema that cannot be read with ours is a dead letter: stopping would let one client stop everybody. */
export function unreadable(schema: AvroSchema, problems: readonly string[]): HeadwaterError {
  const message = `The writer's schema cannot be read as ${schema.name}: ${problems.join('; ')}.`;
  return new HeadwaterError('schema-incompatible', message.slice(0, 1000), { verdict: 'dead-letter' });
}

function readBody<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof HeadwaterError) throw cause;
    throw new HeadwaterError('avro-invalid', `The Avro body is damaged: ${asHeadwaterError(cause).message}.`);
  }
}

/** Most records fit in here, and need one pass; larger ones are measured first and then written straight to their buffer. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

function writeBody(type: Type, id: number, value: object): Buffer {
  try {
    const end = type.encode(value, scratch, headerLength);
    const bytes = Buffer.allocUnsafe(end > 0 ? end : scratch.length - end);
    if (end > 0) scratch.copy(bytes, 0, 0, end);
    else type.encode(value, bytes, headerLength);
    writeSchemaId(bytes, id);
    return bytes;
  } catch {
    throw unwritable(type, value); // without a cause: avsc puts the value, a payload, into its message
  }
}

function unwritable(type: Type, value: object): HeadwaterError {
  const fields = new Set<string>(); // top-level names only: what lies deeper may be a map's key, a payload
  type.isValid(value, { errorHook: (path) => fields.add(path[0] ?? 'the record') });
  const where = fields.size > 0 ? [...fields].join(', ') : "a map's key";
  return new HeadwaterError('avro-invalid', `The record cannot be written as ${type.name}; wrong: ${where}.`);
}
