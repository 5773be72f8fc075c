/**
 * One codec for all records: Confluent's wire format with avsc. A mapping converts between records and Avro (typed
 * arrays); a decoder is created once for each writer schema and cached.
 */
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Type } from 'avsc';
import type { AvroSchema, Codec, SchemaIds } from '../api.ts';
import { BoundedMap } from '../schema-ids/bounded-map.ts';
import { parseType } from './avro-types.ts';
import { incompatibilities } from './compatibility.ts';
import { asBuffer, headerLength, readSchemaId, writeSchemaId } from './wire-format.ts';

/** Conversion between a record and avsc's value. */
export interface Mapping<T> {
  toAvro(record: T): object;
  fromAvro(value: unknown): T;
}

/** Decodes messages (with their headers) of one writer schema. */
export type Decoder<T> = (bytes: Buffer) => T;

/** Largest number of cached decoders of a codec; a topic rarely has more than a few writers. */
const maximumWriters = 256;

/** Selects decoders by the writer's schema id: synchronously for known ids, after a lookup for others. */
export function createReader<T>(ids: SchemaIds, decoderFor: (writer: AvroSchema) => Decoder<T>) {
  const decoders = new BoundedMap<number, Decoder<T>>(maximumWriters);
  const lookUp = async (id: number, bytes: Buffer): Promise<T> => {
    const decoder = decoderFor(await ids.lookup(id));
    decoders.set(id, decoder);
    return decoder(bytes);
  };
  return {
    add: (id: number, decoder: Decoder<T>): void => decoders.set(id, decoder),
    decode(value: Uint8Array): T | Promise<T> {
      const bytes = asBuffer(value);
      const id = readSchemaId(bytes);
      const decoder = decoders.get(id);
      return decoder === undefined ? lookUp(id, bytes) : decoder(bytes);
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
  reader.add(id, (bytes) => readBody(() => mapping.fromAvro(type.fromBuffer(bytes.subarray(headerLength)))));
  return {
    subject,
    id,
    encode: (record) => writeBody(type, id, mapping.toAvro(record)),
    decode: reader.decode,
  };
}

/** Decoder with schema resolution from `writer`. Errors: schema-incompatible with a dead-letter verdict. */
export function resolvingDecoder<T>(
  schema: AvroSchema,
  type: Type,
  writer: AvroSchema,
  mapping: Mapping<T>,
): Decoder<T> {
  const problems = incompatibilities(schema, writer);
  if (problems.length > 0) throw incompatibleWriter(schema, problems);
  const resolver = type.createResolver(parseType(writer));
  return (bytes) => readBody(() => mapping.fromAvro(type.fromBuffer(bytes.subarray(headerLength), resolver)));
}

/** A record with an incompatible schema is a dead letter: stopping would let one client stop the service. */
function incompatibleWriter(schema: AvroSchema, problems: readonly string[]): HeadwaterError {
  const message = `the writer schema cannot be read as ${schema.name}: ${problems.join('; ')}`;
  return new HeadwaterError('schema-incompatible', message.slice(0, 1000), { verdict: 'dead-letter' });
}

function readBody<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof HeadwaterError) throw cause;
    throw new HeadwaterError('avro-invalid', `the Avro body is damaged: ${asHeadwaterError(cause).message}`);
  }
}

/** Most records fit into this buffer and need one pass; larger ones are measured and then encoded again. */
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
  return new HeadwaterError(
    'avro-invalid',
    `the record cannot be encoded as ${type.name}; invalid: ${where}`,
  );
}
