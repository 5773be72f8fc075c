/** The codec against a real registry, and an independent client of Confluent's wire format. */
import { randomUUID } from 'node:crypto';
import {
  type AvroSchema,
  createFingerprintIds,
  createRegistryIds,
  type ImageReceived,
  incompatibilities,
  openCodec,
  openVectorCodec,
  openVectorReader,
  recordSchema,
  releasedContracts,
  schemaForId,
  type VectorContract,
  vectorSchema,
} from '@headwater/schemas';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { describe, expect, inject, it } from 'vitest';

const url = inject('registryUrl');
const independent = new SchemaRegistry({ host: url });
const image: ImageReceived = {
  id: '3f',
  source: 'interop',
  receivedAt: 1_700_000_000_000,
  mediaType: 'image/png',
  width: 28,
  height: 28,
  content: Buffer.from([1, 2, 3]),
  attributes: { camera: 'left' },
  labels: {},
  group: null,
};
const contract = releasedContracts().find(
  ({ extractor }) => extractor === 'lenet-digits.v1',
) as VectorContract;
const vectorRecord = {
  imageId: '3f',
  extractor: { name: 'lenet-digits', version: 'v1', digest: 'ab' },
  vector: Float32Array.from({ length: contract.dimensions }, (_, i) => i / 3),
  labels: {},
  group: null,
  source: 'interop',
  receivedAt: 1,
  extractedAt: 2,
};
const newTopic = (): string => `t-${randomUUID()}`;

async function compatibilityOf(subject: string): Promise<unknown> {
  const answer = await fetch(`${url}/config/${subject}`);
  return ((await answer.json()) as { compatibilityLevel?: unknown }).compatibilityLevel;
}

function post(subject: string, schema: object): Promise<Response> {
  return fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
}

describe('schemas in a real registry', () => {
  it('are registered once, BACKWARD_TRANSITIVE, and are returned unchanged', async () => {
    const ids = createRegistryIds({ url });
    const topic = newTopic();
    const first = await openCodec(ids, 'ImageReceived', topic);
    const again = await openCodec(createRegistryIds({ url }), 'ImageReceived', topic);
    expect(again.id).toBe(first.id);
    expect(await compatibilityOf(`${topic}-value`)).toBe('BACKWARD_TRANSITIVE');
    expect(await ids.lookup(first.id)).toEqual(recordSchema('ImageReceived'));
    expect(JSON.parse((await schemaForId(ids, first.id)).schema)).toEqual(recordSchema('ImageReceived'));
  });

  it('are rejected where they could not read older records', async () => {
    const topic = newTopic();
    const ids = createRegistryIds({ url });
    await openCodec(ids, 'ImageReceived', topic);
    const changed = { ...recordSchema('ImageReceived'), fields: [{ name: 'id', type: 'int' }] } as AvroSchema;
    const register = ids.register(`${topic}-value`, changed);
    await expect(register).rejects.toMatchObject({ code: 'schema-incompatible', verdict: 'stop' });
  });

  it('keep a vector of other dimensions off its topic', async () => {
    const topic = newTopic();
    await openVectorCodec(createRegistryIds({ url }), contract, topic);
    const wrong = vectorSchema({ ...contract, dimensions: 801 });
    expect((await post(`${topic}-value`, wrong)).status).toBe(409);
  });

  it('return schema-unknown for an id that was never assigned', async () => {
    const lookup = createRegistryIds({ url }).lookup(999_999);
    await expect(lookup).rejects.toMatchObject({ code: 'schema-unknown' });
  });

  it('decode ids that were derived from fingerprints before', async () => {
    const before = await openCodec(createFingerprintIds(), 'ImageReceived', 'images');
    const after = await openCodec(createRegistryIds({ url }), 'ImageReceived', newTopic());
    expect(after.id).not.toBe(before.id);
    expect(await after.decode(before.encode(image))).toEqual(image);
  });
});

describe('an independent client', () => {
  it('reads records of Headwater', async () => {
    const codec = await openCodec(createRegistryIds({ url }), 'ImageReceived', newTopic());
    expect({ ...(await independent.decode(codec.encode(image))) }).toEqual(image);
  });

  it('writes records that Headwater reads, with its own schema', async () => {
    const topic = newTopic();
    const codec = await openCodec(createRegistryIds({ url }), 'ImageReceived', topic);
    const full = recordSchema('ImageReceived') as unknown as { fields: { name: string }[] };
    const fields = full.fields.filter(({ name }) => ['id', 'receivedAt', 'content'].includes(name));
    const { id } = await independent.register(
      { type: SchemaType.AVRO, schema: JSON.stringify({ ...full, fields }) },
      { subject: `${topic}-value`, compatibility: COMPATIBILITY.BACKWARD_TRANSITIVE },
    );
    const sent = { id: 'x', receivedAt: 7, content: Buffer.from('bytes') };
    const bytes = await independent.encode(id, sent);
    const defaults = {
      source: '',
      mediaType: '',
      width: 0,
      height: 0,
      attributes: {},
      labels: {},
      group: null,
    };
    expect(await codec.decode(bytes)).toEqual({ ...sent, ...defaults });
  });

  it('writes vectors as bytes, which Headwater reads by the registered contract', async () => {
    const codec = await openVectorCodec(createRegistryIds({ url }), contract, newTopic());
    const bytes = codec.encode(vectorRecord);
    const seen = (await independent.decode(bytes)) as { vector: Buffer };
    expect(seen.vector).toHaveLength(4 * contract.dimensions);
    expect(seen.vector.readFloatLE(4 * 300)).toBe(100);
    expect(await openVectorReader(createRegistryIds({ url })).decode(bytes)).toEqual(vectorRecord);
  });
});

describe('our compatibility check and that of a real registry', () => {
  const kind = { type: 'enum', name: 'Kind', symbols: ['lda', 'ridge'] };
  const base = [
    { name: 'id', type: 'string' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'size', type: 'int' },
    { name: 'kind', type: kind },
    { name: 'group', type: ['null', 'string'], default: null },
    { name: 'sum', type: { type: 'fixed', name: 'Sum', size: 4 } },
  ];
  const replaced = (name: string, type: unknown) =>
    base.map((field) => (field.name === name ? { name, type } : field));
  const record = (fields: readonly object[]): AvroSchema => ({
    type: 'record',
    name: 'R',
    namespace: 't',
    fields,
  });

  it.each([
    ['a new field with a default', [...base, { name: 'n', type: 'int', default: 0 }]],
    ['a new field without one', [...base, { name: 'n', type: 'int' }]],
    ['a field less', base.slice(1)],
    ['another type', replaced('id', 'int')],
    ['a narrower type', replaced('at', 'int')],
    ['a wider type', replaced('size', 'double')],
    ['a narrower union', replaced('group', 'string')],
    ['a wider union', replaced('group', ['null', 'string', 'int'])],
    ['a new symbol', replaced('kind', { ...kind, symbols: ['lda', 'ridge', 'ncm'] })],
    ['a symbol less', replaced('kind', { ...kind, symbols: ['lda'] })],
    ['a symbol less and a default', replaced('kind', { ...kind, symbols: ['lda'], default: 'lda' })],
    ['another size', replaced('sum', { type: 'fixed', name: 'Sum', size: 5 })],
  ])('agree on %s', async (_, fields) => {
    const subject = `${newTopic()}-value`;
    const ids = createRegistryIds({ url });
    await ids.register(subject, record(base));
    const accepted = (await post(subject, record(fields))).ok;
    expect({ accepted }).toEqual({ accepted: incompatibilities(record(fields), record(base)).length === 0 });
  });

  it('differ where only the meaning changes, which the registry does not check', async () => {
    const subject = `${newTopic()}-value`;
    await createRegistryIds({ url }).register(subject, record(base));
    const changed = record(replaced('at', { type: 'long', logicalType: 'timestamp-micros' }));
    expect((await post(subject, changed)).ok).toBe(true);
    expect(incompatibilities(changed, record(base))).toHaveLength(1);
  });
});
