/**
 * Avro object container files, which any Avro tool reads without a registry. Written and read block by block, so that
 * a file may be larger than memory. Errors name the damaged record by its number.
 */
import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { asHeadwaterError, HeadwaterError } from '@headwater/errors';
import type { Type } from 'avsc';
import type { AvroSchema } from '../api.ts';
import { parseType } from './avro-types.ts';
import { incompatibilities } from './compatibility.ts';

const magic = Buffer.from('Obj\u0001', 'latin1');
const syncLength = 16;
/** Size at which a block is written. */
const blockBytes = 256 * 1024;
/** Larger blocks are rejected, to bound the memory. */
const largestBlock = 64 * 1024 * 1024;
const largestHeader = 4 * 1024 * 1024;

const metadataType = parseType({ type: 'map', values: 'bytes' });
const longType = parseType({ type: 'long' });

export interface ContainerHeader {
  readonly schema: AvroSchema;
  /** Text by key, without Avro's own keys. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Yields a deflated container file in pieces: the header, then a block for every 256 KiB of records.
 * Errors: avro-invalid where a record violates the schema.
 */
export async function* writeContainerFile(
  schema: AvroSchema,
  metadata: Readonly<Record<string, string>>,
  records: AsyncIterable<object> | Iterable<object>,
): AsyncGenerator<Buffer> {
  const type = parseType(schema);
  const sync = randomBytes(syncLength);
  yield headerBytes(schema, metadata, sync);
  let bodies: Buffer[] = [];
  let size = 0;
  for await (const record of records) {
    const body = writeRecord(type, record);
    bodies.push(body);
    size += body.length;
    if (size < blockBytes) continue;
    yield blockOf(bodies, sync);
    bodies = [];
    size = 0;
  }
  if (bodies.length > 0) yield blockOf(bodies, sync);
}

function writeRecord(type: Type, record: object): Buffer {
  try {
    return type.toBuffer(record);
  } catch {
    throw new HeadwaterError('avro-invalid', `a record cannot be encoded as ${type.name}`);
  }
}

function headerBytes(schema: AvroSchema, metadata: Readonly<Record<string, string>>, sync: Buffer): Buffer {
  const all = { ...metadata, 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate' };
  const entries = Object.entries(all).map(([key, text]) => [key, Buffer.from(text, 'utf8')]);
  return Buffer.concat([magic, metadataType.toBuffer(Object.fromEntries(entries)), sync]);
}

function blockOf(bodies: readonly Buffer[], sync: Buffer): Buffer {
  const data = deflateRawSync(Buffer.concat(bodies));
  return Buffer.concat([longType.toBuffer(bodies.length), longType.toBuffer(data.length), data, sync]);
}

/** Reads only the header. Errors: avro-invalid. */
export async function readContainerHeader(chunks: AsyncIterable<Uint8Array>): Promise<ContainerHeader> {
  const source = new ByteSource(chunks);
  try {
    return await readHeader(source);
  } finally {
    await source.close();
  }
}

/**
 * Reads the records of a container file with the schema `reader`, one block at a time.
 * Errors: avro-invalid (damaged, truncated, a codec other than null and deflate), schema-incompatible.
 */
export async function* readContainerFile(
  chunks: AsyncIterable<Uint8Array>,
  reader: AvroSchema,
): AsyncGenerator<unknown> {
  const source = new ByteSource(chunks);
  try {
    const header = await readHeader(source);
    const read = bodyReader(reader, header.schema);
    for (let records = 0; !(await source.isAtEnd()); ) {
      const block = await readBlock(source, header, records);
      let position = 0;
      for (let left = block.count; left > 0; left--, records++) {
        const { value, offset } = read(block.data, position, records + 1);
        position = offset;
        yield value;
      }
      if (position !== block.data.length)
        damaged(`the block after record ${records} is longer than its records`);
    }
  } finally {
    await source.close();
  }
}

interface OpenedHeader extends ContainerHeader {
  readonly codec: string;
  readonly sync: Buffer;
}

async function readHeader(source: ByteSource): Promise<OpenedHeader> {
  if (!magic.equals(await source.take(magic.length))) damaged('it has no magic bytes');
  const { value, length } = await source.decode(metadataType, largestHeader);
  await source.take(length);
  const sync = Buffer.from(await source.take(syncLength));
  const entries = Object.entries(value as Record<string, Buffer>).map(
    ([key, bytes]) => [key, bytes.toString('utf8')] as const,
  );
  const all = new Map(entries);
  const codec = all.get('avro.codec') ?? 'null';
  if (codec !== 'null' && codec !== 'deflate')
    damaged(`its codec is ${codec}, but only null and deflate are supported`);
  const metadata = Object.fromEntries(entries.filter(([key]) => !key.startsWith('avro.')));
  return { schema: parseSchema(all.get('avro.schema') ?? ''), metadata, codec, sync };
}

function parseSchema(text: string): AvroSchema {
  try {
    return JSON.parse(text) as AvroSchema;
  } catch {
    return damaged('its schema is not JSON');
  }
}

async function readBlock(source: ByteSource, { codec, sync }: OpenedHeader, records: number) {
  const count = await source.takeLong();
  const size = await source.takeLong();
  const where = `the block after record ${records}`;
  if (count < 0 || size < 0 || size > largestBlock) damaged(`${where} has an invalid size`);
  const bytes = await source.take(size);
  if (!sync.equals(await source.take(syncLength))) damaged(`${where} has no sync marker at its end`);
  return { count, data: codec === 'deflate' ? inflate(bytes, where) : bytes };
}

function inflate(bytes: Buffer, where: string): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: largestBlock });
  } catch {
    return damaged(`${where} cannot be inflated`);
  }
}

function bodyReader(reader: AvroSchema, writer: AvroSchema) {
  const type = parseType(reader);
  const resolver = attempt(() => {
    const problems = incompatibilities(reader, writer);
    if (problems.length > 0) throw unreadable(reader, problems);
    return type.createResolver(parseType(writer));
  }, 'its schema');
  return (bytes: Buffer, position: number, record: number) => {
    const result = attempt(() => type.decode(bytes, position, resolver), `record ${record}`);
    if (result.offset < 0) damaged(`record ${record} is truncated`);
    return result as { value: unknown; offset: number };
  };
}

function unreadable(reader: AvroSchema, problems: readonly string[]): HeadwaterError {
  const message = `the schema of the file cannot be read as ${reader.name}: ${problems.join('; ')}`;
  return new HeadwaterError('schema-incompatible', message.slice(0, 1000));
}

function attempt<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof HeadwaterError) throw cause;
    return damaged(`${what} cannot be decoded (${asHeadwaterError(cause).message})`);
  }
}

/** Reads a stream in pieces of requested lengths. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    await this.#fill(length);
    if (this.#buffer.length < length) damaged('it is truncated');
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  async takeLong(): Promise<number> {
    const { value, length } = await this.decode(longType, 10);
    await this.take(length);
    return value as number;
  }

  async isAtEnd(): Promise<boolean> {
    await this.#fill(1);
    return this.#buffer.length === 0;
  }

  /** Decodes a value without moving the position; returns it with its length. */
  async decode(type: Type, most: number): Promise<{ readonly value: unknown; readonly length: number }> {
    for (let wanted = Math.min(most, 4096); ; wanted = Math.min(most, wanted * 8)) {
      await this.#fill(wanted);
      const complete = this.#ended || wanted >= most;
      const found = this.#tryDecode(type, complete);
      if (found !== undefined) return found;
      if (complete) damaged('it is truncated');
    }
  }

  #tryDecode(type: Type, complete: boolean) {
    try {
      const { value, offset } = type.decode(this.#buffer, 0) as { value: unknown; offset: number };
      return offset < 0 ? undefined : { value, length: offset };
    } catch {
      // Incomplete bytes cause the same error as damaged ones.
      return complete ? damaged('its header is damaged') : undefined;
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #fill(length: number): Promise<void> {
    const parts = [this.#buffer];
    let size = this.#buffer.length;
    while (size < length && !this.#ended) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#ended = true;
      else parts.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
      size += next.done === true ? 0 : next.value.byteLength;
    }
    if (parts.length > 1) this.#buffer = Buffer.concat(parts);
  }
}

function damaged(why: string): never {
  throw new HeadwaterError('avro-invalid', `the file is not a valid Avro container file: ${why}`);
}
