import { readFileSync } from 'node:fs';
import { HeadwaterError } from '@headwater/errors';
import { describe, expect, it } from 'vitest';
import type { AvroSchema, SchemaIds, VectorContract } from '../api.ts';
import { schemaText } from '../current-schemas.ts';
import type { VectorExtracted } from '../records.ts';
import { releasedContracts, schemaFolder } from '../schema-files.ts';
import { createFingerprintIds } from '../schema-ids/fingerprint-ids.ts';
import { contractOf, maximumDimensions, vectorSchema } from '../vector-contract.ts';
import { parseType } from './avro-types.ts';
import { openVectorCodec, openVectorReader } from './vector-codec.ts';

const ids = createFingerprintIds();
const tiny: VectorContract = {
  extractor: 'tiny-net.v2',
  dimensions: 3,
  elementType: 'float32',
  byteOrder: 'little-endian',
  normalization: 'unit',
  description: 'Three values.',
};
const record: VectorExtracted = {
  imageId: '3f',
  extractor: { name: 'tiny-net', version: 'v2', digest: 'ab' },
  vector: Float32Array.of(-0, 1.5, 3.4028234663852886e38),
  labels: { digit: '7' },
  group: 'scene',
  source: 'http',
  receivedAt: 1,
  extractedAt: 2,
};

async function failure(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof HeadwaterError) return `${error.code} ${error.verdict}`;
    throw error;
  }
  return 'nothing was thrown';
}

describe('vector schema', () => {
  it('has a fixed of four bytes per dimension and contains the contract', () => {
    const { fields } = vectorSchema(tiny) as unknown as { fields: { name: string; type: unknown }[] };
    expect(fields.find((field) => field.name === 'vector')?.type).toEqual({
      type: 'fixed',
      name: 'Vector',
      size: 12,
      logicalType: 'vector',
      extractor: 'tiny-net.v2',
      elementType: 'float32',
      dimensions: 3,
      byteOrder: 'little-endian',
      normalization: 'unit',
    });
    expect(contractOf(vectorSchema(tiny))).toEqual(tiny);
  });

  it('has a namespace for each extractor', () => {
    const extractors = ['a-b.v1', 'a.b.v1', 'a-b-v1', 'ab.v1'];
    const names = extractors.map((extractor) => parseType(vectorSchema({ ...tiny, extractor })).name);
    expect(new Set(names).size).toBe(extractors.length);
  });

  it.each([
    { dimensions: 0 },
    { dimensions: 2.5 },
    { dimensions: maximumDimensions + 1 },
    { extractor: 'a--b' },
    { extractor: '../x' },
    { extractor: 'a_b' },
    { elementType: 'float64' },
    { byteOrder: 'big-endian' },
    { normalization: 'max' },
  ])('rejects a contract with %o', (wrong) => {
    const contract = { ...tiny, ...wrong } as VectorContract;
    expect(() => vectorSchema(contract)).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  });

  it.each(releasedContracts().map((contract) => [contract.extractor, contract] as const))(
    'of %s equals the file in vectors/ (npm run generate -w @headwater/schemas)',
    (extractor, contract) => {
      const file = readFileSync(`${schemaFolder}vectors/${extractor}.avsc`, 'utf8');
      expect(file).toBe(schemaText(vectorSchema(contract)));
    },
  );

  it('exists for the bundled extractors', () => {
    const shapes = releasedContracts().map((c) => `${c.extractor} ${c.dimensions} ${c.normalization}`);
    expect(shapes).toEqual([
      'efficientnet-lite0-int8.v1 1280 none',
      'efficientnet-lite0.v1 1280 none',
      'efficientnet-lite2.v1 1280 none',
      'face-features.v1 128 none',
      'lenet-digits.v1 800 none',
      'pixels.v1 3072 none',
    ]);
  });
});

describe('vector codec', () => {
  it('decodes its own records bit-exactly at any alignment', async () => {
    const codec = await openVectorCodec(ids, tiny, 'vectors.tiny-net.v2');
    const bytes = codec.encode(record);
    for (const shift of [0, 1, 2, 3]) {
      const decoded = codec.decode(Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift));
      expect(decoded).toEqual(record);
      expect(Object.is((decoded as VectorExtracted).vector[0], -0)).toBe(true);
    }
    expect(bytes.includes(Buffer.from('000000800000c03fffff7f7f', 'hex'))).toBe(true);
  });

  it.each([0, 2, 4])('does not encode %i of three dimensions', async (length) => {
    const codec = await openVectorCodec(ids, tiny, 'vectors.tiny-net.v2');
    const outcome = await failure(() => codec.encode({ ...record, vector: new Float32Array(length) }));
    expect(outcome).toBe('vector-wrong-dimensions dead-letter');
  });

  it.each([
    ['dimensions', { dimensions: 4 }],
    ['normalization', { normalization: 'none' }],
  ] as const)('does not decode vectors of the same extractor with other %s', async (_, change) => {
    const writer = vectorSchema({ ...tiny, ...change });
    const codec = await openVectorCodec({ ...ids, lookup: async () => writer }, tiny, 'vectors.tiny-net.v2');
    expect(await failure(() => codec.decode(Buffer.alloc(60)))).toBe('schema-incompatible dead-letter');
  });
});

describe('vector reader', () => {
  it('decodes vectors of every extractor, synchronously for a known writer', async () => {
    const reader = openVectorReader(ids);
    for (const contract of releasedContracts()) {
      const codec = await openVectorCodec(ids, contract, `vectors.${contract.extractor}`);
      const vector = Float32Array.from({ length: contract.dimensions }, (_, i) => Math.fround(i / 7));
      const bytes = codec.encode({ ...record, vector });
      const first = reader.decode(bytes);
      expect(first).toBeInstanceOf(Promise);
      expect(await first).toEqual({ ...record, vector });
      expect(reader.decode(bytes)).toEqual({ ...record, vector });
    }
  });

  it('adds defaults for an older writer', async () => {
    const current = vectorSchema(tiny) as unknown as { fields: { name: string }[] };
    const fields = current.fields.filter((field) => field.name !== 'source' && field.name !== 'labels');
    const writer = { ...current, fields } as unknown as AvroSchema;
    const body = parseType(writer).toBuffer({ ...record, vector: Buffer.alloc(12) });
    const reader = openVectorReader(lookingUp(writer));
    const decoded = await reader.decode(Buffer.concat([Buffer.from([0, 0, 0, 0, 5]), body]));
    expect(decoded).toEqual({ ...record, vector: new Float32Array(3), source: '', labels: {} });
  });

  const vectorField = (type: unknown) => ({ ...vectorSchema(tiny), fields: [{ name: 'vector', type }] });
  it.each([
    ['another record', { type: 'record', name: 'headwater.v1.LabelAssigned', fields: [] }],
    ['a record without fields', { type: 'record', name: 'VectorExtracted' }],
    ['bytes of any length', vectorField('bytes')],
    ['a fixed without a contract', vectorField({ type: 'fixed', name: 'Vector', size: 12 })],
    [
      'a contract that does not match its size',
      vectorField({ type: 'fixed', name: 'Vector', size: 16, logicalType: 'vector', ...tiny }),
    ],
  ])('rejects %s as a dead letter', async (_, writer) => {
    const reader = openVectorReader(lookingUp(writer as unknown as AvroSchema));
    const outcome = await failure(() => reader.decode(Buffer.from([0, 0, 0, 0, 5, 1, 2, 3])));
    expect(outcome).toBe('schema-incompatible dead-letter');
  });

  function lookingUp(schema: AvroSchema): SchemaIds {
    return { ...ids, lookup: async () => schema };
  }
});
