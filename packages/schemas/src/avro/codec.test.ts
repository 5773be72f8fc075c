import { HeadwaterError } from '@headwater/errors';
import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AvroSchema, Codec, SchemaIds } from '../api.ts';
import type { Example, HeadTrained, ImageReceived } from '../records.ts';
import { recordSchema } from '../schema-files.ts';
import { createFingerprintIds } from '../schema-ids/fingerprint-ids.ts';
import { parseType } from './avro-types.ts';
import { openCodec } from './record-codec.ts';

const ids = createFingerprintIds();
const image: ImageReceived = {
  id: '3f',
  source: 'http',
  receivedAt: 1_700_000_000_123,
  mediaType: 'image/png',
  width: 28,
  height: 29,
  content: Buffer.from([0x89, 0x50]),
  attributes: { camera: 'left' },
  labels: { digit: '7' },
  group: null,
};
const head: HeadTrained = {
  extractor: 'lenet-digits.v1',
  task: 'digit',
  kind: 'lda',
  version: 3,
  digest: 'ab',
  setDigest: 'cd',
  arithmetic: 2,
  watermark: 2 ** 40,
  mode: 'settled',
  classes: ['0', 'é', '😀'],
  parameters: Buffer.alloc(2000, 5),
  dimensions: 800,
  examples: 1000,
  regularization: null,
  temperature: 0.5,
  measurements: { logLoss: 0.1 },
  trainedAt: 1,
};
const example: Example = {
  extractor: 'lenet-digits.v1',
  task: 'digit',
  imageId: '3f',
  label: null,
  assignedAt: 5,
  annotator: 'ann',
  group: 'scene-1',
  vector: Int16Array.of(-32768, -1, 0, 1, 8192, 32767),
};

/** Code and verdict of the error of `run`; any other error than a HeadwaterError fails the test. */
async function failure(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof HeadwaterError) return `${error.code} ${error.verdict}`;
    throw error;
  }
  return 'nothing was thrown';
}

/** Ids whose lookups return this writer schema. */
function written(schema: object): SchemaIds {
  return { ...ids, lookup: async () => schema as AvroSchema };
}

function message(id: number, body: Buffer): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0]);
  header.writeInt32BE(id, 1);
  return Buffer.concat([header, body]);
}

describe('codec', () => {
  it('decodes its own records synchronously', async () => {
    const images = await openCodec(ids, 'ImageReceived', 'images');
    const reference = { uri: 'file:///b/3f', byteLength: 9_000_000_000, sha256: '3f' };
    expect(images.decode(images.encode(image))).toEqual(image);
    expect(images.decode(images.encode({ ...image, content: reference }))).toEqual({
      ...image,
      content: reference,
    });
    const heads = await openCodec(ids, 'HeadTrained', 'heads');
    expect(heads.decode(heads.encode(head))).toEqual(head);
    expect(heads.subject).toBe('heads-value');
  });

  it('starts with zero and the schema id', async () => {
    const images = await openCodec(ids, 'ImageReceived', 'images');
    const bytes = images.encode(image);
    expect(bytes[0]).toBe(0);
    expect(bytes.readInt32BE(1)).toBe(images.id);
    expect(avro.Type.forSchema(recordSchema('ImageReceived') as never).fromBuffer(bytes.subarray(5)).id).toBe(
      '3f',
    );
  });

  it('decodes little-endian int16 vectors at any alignment', async () => {
    const codec = await openCodec(ids, 'Example', 'examples');
    const bytes = codec.encode(example);
    for (const shift of [0, 1, 2, 3]) {
      const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift);
      expect(codec.decode(shifted)).toEqual(example);
    }
    expect(bytes.subarray(-12).toString('hex')).toBe('0080ffff000001000020ff7f');
  });

  it('encodes a vector that is a part of a larger array', async () => {
    const codec = await openCodec(ids, 'Example', 'examples');
    const whole = Int16Array.of(9, 9, 1, 2, 3);
    const decoded = (await codec.decode(codec.encode({ ...example, vector: whole.subarray(2) }))) as Example;
    expect(decoded.vector).toEqual(Int16Array.of(1, 2, 3));
  });

  it('keeps keys that are special to JavaScript', async () => {
    const codec = await openCodec(ids, 'ImageReceived', 'images');
    const labels = Object.fromEntries([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
    const decoded = (await codec.decode(codec.encode({ ...image, labels }))) as ImageReceived;
    expect(Object.entries(decoded.labels)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  it('encodes small and large records with the same scratch buffer', async () => {
    const codec = await openCodec(ids, 'ImageReceived', 'images');
    const sizes = [0, 65_000, 65_530, 65_536, 1_000_000];
    const encoded = sizes.map((size) => codec.encode({ ...image, content: Buffer.alloc(size, size % 251) }));
    const decoded = encoded.map((bytes) => (codec.decode(bytes) as ImageReceived).content);
    const expected = sizes.map((size) => Buffer.alloc(size, size % 251));
    expect(
      decoded.map((content, i) => Buffer.isBuffer(content) && content.equals(expected[i] as Buffer)),
    ).toEqual(sizes.map(() => true));
  });
});

describe('codec with another writer', () => {
  it('looks up a schema once and adds defaults', async () => {
    const full = recordSchema('ImageReceived') as unknown as { fields: { name: string }[] };
    const needed = ['id', 'receivedAt', 'content'];
    const writer = { ...full, fields: full.fields.filter((field) => needed.includes(field.name)) };
    const body = parseType(writer).toBuffer({ id: 'x', receivedAt: 5, content: Buffer.from('a') });
    const codec = await openCodec(written(writer), 'ImageReceived', 'images');
    const first = codec.decode(message(77, body));
    expect(first).toBeInstanceOf(Promise);
    const second = codec.decode(message(77, body));
    const expected = {
      attributes: {},
      labels: {},
      group: null,
      width: 0,
      height: 0,
      mediaType: '',
      source: '',
    };
    await expect(first).resolves.toEqual({ id: 'x', receivedAt: 5, content: Buffer.from('a'), ...expected });
    await second;
    expect(codec.decode(message(77, body))).toEqual(await first);
  });

  it.each([
    ['another record', { type: 'record', name: 'Other', fields: [] }],
    ['a missing field', { ...recordSchema('LabelAssigned'), fields: [] }],
    ['an invalid schema', { type: 'record', name: 'headwater.v1.LabelAssigned' }],
    ['seconds for milliseconds', withAssignedAt({ type: 'long', logicalType: 'timestamp-micros' })],
  ])('rejects %s as a dead letter', async (_, writer) => {
    const codec = await openCodec(written(writer), 'LabelAssigned', 'labels');
    const outcome = await failure(() => codec.decode(message(9, Buffer.alloc(9))));
    expect(outcome).toBe('schema-incompatible dead-letter');
  });

  it('accepts a writer whose long has no logical type', async () => {
    const writer = withAssignedAt('long');
    const label = { imageId: 'i', task: 't', label: 'l', assignedAt: 12, annotator: '' };
    const codec = await openCodec(written(writer), 'LabelAssigned', 'labels');
    await expect(codec.decode(message(9, parseType(writer).toBuffer(label)))).resolves.toEqual(label);
  });
});

function withAssignedAt(type: unknown): AvroSchema {
  const label = recordSchema('LabelAssigned') as unknown as AvroSchema & { fields: { name: string }[] };
  const fields = label.fields.map((field) => (field.name === 'assignedAt' ? { ...field, type } : field));
  return { ...label, fields };
}

describe('codec with damaged bytes', () => {
  const cases: [string, (valid: Buffer) => Uint8Array, string][] = [
    ['nothing', () => new Uint8Array(), 'record-empty dead-letter'],
    ['four bytes', () => Buffer.alloc(4), 'wire-format-invalid dead-letter'],
    ['text', () => Buffer.from('{"id":1}'), 'wire-format-invalid dead-letter'],
    ['an unknown id', () => message(12, Buffer.alloc(8)), 'schema-unknown dead-letter'],
    ['a negative id', () => message(-1, Buffer.alloc(8)), 'schema-unknown dead-letter'],
    ['a header alone', (valid) => valid.subarray(0, 5), 'avro-invalid dead-letter'],
    ['a truncated body', (valid) => valid.subarray(0, -1), 'avro-invalid dead-letter'],
    ['a byte too many', (valid) => Buffer.concat([valid, Buffer.alloc(1)]), 'avro-invalid dead-letter'],
  ];
  it.each(cases)('rejects %s', async (_, damage, expected) => {
    const codec = await openCodec(ids, 'ImageReceived', 'images');
    expect(await failure(() => codec.decode(damage(codec.encode(image))))).toBe(expected);
  });

  /** 2^52 as a zig-zag varint: a length or count that must neither be allocated nor looped over. */
  const huge = Buffer.from('8080808080808010', 'hex');
  it.each([
    ['a string', 'LabelAssigned', huge],
    ['a string of negative length', 'LabelAssigned', Buffer.from([1])],
    ['an endless number', 'LabelAssigned', Buffer.alloc(1000, 0xff)],
    ['a map', 'ImageReceived', Buffer.concat([imagePrefix(), huge, Buffer.alloc(8)])],
    ['a map with its size', 'ImageReceived', Buffer.concat([imagePrefix(), negated(huge), Buffer.alloc(8)])],
    ['an array', 'HeadTrained', Buffer.concat([headPrefix(), huge, Buffer.alloc(8)])],
  ] as const)('rejects a wrong length of %s', async (_, name, body) => {
    const codec: Codec<unknown> = await openCodec(ids, name, 'topic');
    const before = process.memoryUsage().arrayBuffers;
    const started = performance.now();
    expect(await failure(() => codec.decode(message(codec.id, body)))).toBe('avro-invalid dead-letter');
    expect(performance.now() - started).toBeLessThan(1000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });

  function imagePrefix(): Buffer {
    const type = parseType({
      ...recordSchema('ImageReceived'),
      fields: fieldsUntil('ImageReceived', 'attributes'),
    });
    return type.toBuffer(image);
  }
  function headPrefix(): Buffer {
    const type = parseType({ ...recordSchema('HeadTrained'), fields: fieldsUntil('HeadTrained', 'classes') });
    return type.toBuffer(head);
  }
  function fieldsUntil(name: 'ImageReceived' | 'HeadTrained', end: string): unknown {
    const { fields } = recordSchema(name) as { fields?: { name: string }[] };
    return fields?.slice(
      0,
      fields.findIndex((field) => field.name === end),
    );
  }
  function negated(varint: Buffer): Buffer {
    const copy = Buffer.from(varint);
    copy[0] = (copy[0] ?? 0) | 1;
    return copy;
  }

  it('rejects strings that are not UTF-8 and accepts the replacement character', async () => {
    const codec = await openCodec(ids, 'LabelAssigned', 'labels');
    const label = { imageId: '\uFFFDab', task: 't', label: null, assignedAt: 1, annotator: '' };
    const bytes = codec.encode(label);
    expect(codec.decode(bytes)).toEqual(label);
    bytes[6] = 0xff;
    expect(await failure(() => codec.decode(bytes))).toBe('avro-invalid dead-letter');
  });

  it('rejects an int of more than 32 bits', async () => {
    const wide = recordSchema('ImageReceived') as { fields?: { name: string; type: unknown }[] };
    const fields = wide.fields?.map((field) => (field.name === 'width' ? { ...field, type: 'long' } : field));
    const body = parseType({ ...wide, fields }).toBuffer({ ...image, width: 2 ** 33 });
    const codec = await openCodec(ids, 'ImageReceived', 'images');
    expect(await failure(() => codec.decode(message(codec.id, body)))).toBe('avro-invalid dead-letter');
  });

  it('rejects an odd number of bytes for an int16 vector', async () => {
    const body = parseType(recordSchema('Example')).toBuffer({ ...example, vector: Buffer.alloc(3) });
    const codec = await openCodec(ids, 'Example', 'examples');
    expect(await failure(() => codec.decode(message(codec.id, body)))).toBe('avro-invalid dead-letter');
  });

  it('returns a record or a HeadwaterError for any bytes, and keeps working', async () => {
    const codec = await openCodec(ids, 'HeadTrained', 'heads');
    const valid = codec.encode({ ...head, parameters: Buffer.alloc(10) });
    const bodies = fc.oneof(fc.uint8Array({ maxLength: 300 }), mutations(valid.subarray(5)));
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const outcome = await failure(() => codec.decode(message(codec.id, Buffer.from(body))));
        expect(['nothing was thrown', 'avro-invalid dead-letter']).toContain(outcome);
      }),
      { numRuns: 2000 },
    );
    expect(codec.decode(valid)).toEqual({ ...head, parameters: Buffer.alloc(10) });
  });

  function mutations(valid: Buffer): fc.Arbitrary<Uint8Array> {
    const change = fc.record({ at: fc.nat(valid.length - 1), to: fc.nat(255) });
    return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
      const bytes = Uint8Array.from(valid);
      for (const { at, to } of changes) bytes[at] = to;
      return bytes;
    });
  }
});

describe('codec with an invalid record', () => {
  it.each([
    ['a number for a string', { id: 5 }, 'id'],
    ['a time with a fraction', { receivedAt: 1.5 }, 'receivedAt'],
    ['half of a surrogate pair', { id: 'x\ud800' }, 'id'],
    ['half of a surrogate pair in a key', { labels: { '\udc00': 'x' } }, "a map's key"],
  ])('names the field of %s and shows no value', async (_, wrong, field) => {
    const codec = await openCodec(ids, 'ImageReceived', 'images');
    const run = () => codec.encode({ ...image, source: 'a secret', ...wrong } as ImageReceived);
    expect(await failure(run)).toBe('avro-invalid dead-letter');
    expect(run).toThrow(`headwater.v1.ImageReceived; invalid: ${field}`);
    expect(run).not.toThrow('secret');
  });
});
