import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AvroSchema } from '../api.ts';
import { readContainerFile, readContainerHeader, writeContainerFile } from './container-file.ts';

const schema = {
  type: 'record',
  name: 'Thing',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'bytes', type: 'bytes' },
  ],
} as AvroSchema;

interface Thing {
  readonly name: string;
  readonly bytes: Buffer;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function write(things: readonly Thing[]): Promise<Buffer> {
  return Buffer.concat(await collect(writeContainerFile(schema, { colour: 'blue' }, things)));
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

const asText = ({ name, bytes }: Thing): string => `${name} ${bytes.toString('base64')}`;

const many = Array.from({ length: 300 }, (_, index) => ({
  name: `thing ${index}`,
  bytes: Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 31 + index * 17) & 255)),
}));

describe('an object container file', () => {
  it('returns the written records for any split of the stream', async () => {
    const file = await write(many);
    for (const size of [1 << 20, 1000, 7]) {
      const read = await collect(readContainerFile(inPieces(file, size), schema));
      expect((read as Thing[]).map(asText)).toEqual(many.map(asText));
    }
    const header = await readContainerHeader(inPieces(file, 11));
    expect(header.metadata).toEqual({ colour: 'blue' });
    expect(header.schema).toEqual(schema);
  });

  it('can be without records', async () => {
    expect(await collect(readContainerFile(inPieces(await write([]), 5), schema))).toEqual([]);
  });

  it('is rejected when it is truncated anywhere', async () => {
    const file = await write(many.slice(0, 3));
    const emptyFile = (await write([])).length;
    for (let length = 0; length < file.length; length += 13) {
      // A file that ends after the header has no records.
      if (length === emptyFile) continue;
      const reading = collect(readContainerFile(inPieces(file.subarray(0, length), 64), schema));
      await expect(reading).rejects.toMatchObject({ code: 'avro-invalid' });
    }
  });

  it('yields records or an error for any wrong byte', async () => {
    const file = await write(many.slice(0, 3));
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = Buffer.from(file);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        const outcome = await collect(readContainerFile(inPieces(damaged, 100), schema)).then(
          (things) => things.length,
          (error: { code: string }) => error.code,
        );
        expect([3, 'avro-invalid', 'schema-incompatible']).toContain(outcome);
      }),
      { numRuns: 200 },
    );
  });

  it('reports the number of a damaged record and rejects other schemas', async () => {
    const other = { ...schema, fields: [{ name: 'name', type: 'int' }] } as AvroSchema;
    const file = await write(many.slice(0, 1));
    await expect(collect(readContainerFile(inPieces(file, 50), other))).rejects.toMatchObject({
      code: 'schema-incompatible',
    });
  });
});
