/**
 * What lies in a record, as any client of Kafka may write it: the wire format, every record and vector, references to blobs, container
 * files, and writer schemas as a registry may answer them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createFolderBlobStore } from '@headwater/blobs';
import {
  type Codec,
  createFingerprintIds,
  imageIdOfKey,
  openCodec,
  openVectorCodec,
  openVectorReader,
  readContainerFile,
  recordSchema,
  releasedContracts,
  type SchemaIds,
  type VectorExtracted,
  writeContainerFile,
} from '@headwater/schemas';
import type { Random } from '../../chaos/random.ts';
import { mutate } from '../mutation.ts';
import { oddBytes } from '../odd-ids.ts';
import { Finding, type OpenTarget, type Target } from '../target.ts';
import { codeOf } from './codes.ts';

/** One thing that reads bytes: seeds that it takes, and how. */
interface Door {
  readonly seeds: readonly Buffer[];
  read(input: Buffer): Promise<unknown>;
}

const text = (random: Random) =>
  random.pick(['', 'a', 'digit', 'ü'.repeat(40), '\0', '../..', 'x'.repeat(300)]);
const largestInput = 64 * 1024;
const labels = { digit: '7', 'a task': '' };
const reference = { uri: 'file:///nowhere/aa/bb', byteLength: 10, sha256: 'ab'.repeat(32) };
const image = {
  id: 'image-1',
  source: 'fuzz',
  receivedAt: 1_700_000_000_000,
  mediaType: 'image/png',
  width: 28,
  height: 28,
  content: Buffer.from('not really a picture'),
  attributes: { camera: 'left' },
  labels,
  group: 'a group',
};
const head = {
  extractor: 'lenet-digits.v1',
  task: 'digit',
  kind: 'lda',
  version: 3,
  digest: 'cd'.repeat(32),
  setDigest: 'ef'.repeat(32),
  arithmetic: 2,
  watermark: 1234,
  mode: 'settled',
  classes: ['0', '1'],
  parameters: Buffer.alloc(40, 7),
  dimensions: 800,
  examples: 99,
  regularization: 0.25,
  temperature: 1.5,
  measurements: { accuracy: 0.9 },
  trainedAt: 1_700_000_000_000,
} as const;
const prediction = {
  imageId: 'image-1',
  task: 'digit',
  extractor: 'lenet-digits.v1',
  head: { kind: 'lda', version: 3, digest: 'cd'.repeat(32) },
  label: '1',
  abstained: false,
  probabilities: { 0: 0.25, 1: 0.75 },
  novelty: 0.5,
  receivedAt: 1,
  predictedAt: 2,
} as const;

async function recordDoors(ids: SchemaIds): Promise<Door[]> {
  const images = await openCodec(ids, 'ImageReceived', 'images');
  const assigned = await openCodec(ids, 'LabelAssigned', 'labels');
  const examples = await openCodec(ids, 'Example', 'examples');
  const heads = await openCodec(ids, 'HeadTrained', 'heads');
  const serving = await openCodec(ids, 'HeadActivated', 'serving');
  const predictions = await openCodec(ids, 'ImageClassified', 'predictions');
  const label = { imageId: 'image-1', task: 'digit', label: '7', assignedAt: 5, annotator: 'ann' };
  const example = {
    ...label,
    extractor: 'lenet-digits.v1',
    group: null,
    vector: Int16Array.from([1, -2, 8192]),
  };
  const activated = { ...head, reason: 'pinned', activatedAt: 9 } as const;
  return [
    door(images, image, { ...image, content: reference, group: null }),
    door(assigned, label, { ...label, label: null }),
    door(examples, example, { ...example, label: null }),
    door(heads, head, { ...head, parameters: reference, regularization: null }),
    door(serving, activated),
    door(predictions, prediction, {
      ...prediction,
      head: null,
      label: null,
      novelty: null,
      probabilities: {},
    }),
  ];
}

function door<T>(codec: Codec<T>, ...values: readonly T[]): Door {
  return { seeds: values.map((value) => codec.encode(value)), read: async (input) => codec.decode(input) };
}

async function vectorDoors(ids: SchemaIds): Promise<Door[]> {
  const reader = openVectorReader(ids);
  const doors: Door[] = [];
  for (const contract of releasedContracts()) {
    const codec = await openVectorCodec(ids, contract, `vectors.${contract.extractor}`);
    const [name = '', version = ''] = contract.extractor.split('.');
    const value: VectorExtracted = {
      imageId: 'image-1',
      extractor: { name, version, digest: 'ab'.repeat(32) },
      vector: Float32Array.from({ length: contract.dimensions }, (_, at) => at / 7),
      labels,
      group: null,
      source: 'fuzz',
      receivedAt: 1,
      extractedAt: 2,
    };
    const check = (vector: VectorExtracted) => {
      if (vector.vector.length !== contract.dimensions)
        throw new Finding('a vector of other dimensions was read');
    };
    doors.push({ ...door(codec, value), read: async (input) => check(await codec.decode(input)) });
    doors.push({ seeds: [codec.encode(value)], read: async (input) => reader.decode(input) });
  }
  return doors;
}

async function containerDoor(): Promise<Door> {
  const schema = recordSchema('LabelAssigned');
  const rows = Array.from({ length: 20 }, (_, at) => ({
    imageId: `image-${at}`,
    task: 'digit',
    label: at % 2 === 0 ? null : '7',
    assignedAt: at,
    annotator: 'ann',
  }));
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeContainerFile(schema, { note: 'fuzz' }, rows)) chunks.push(chunk);
  return {
    seeds: [Buffer.concat(chunks)],
    async read(input) {
      const halves = [input.subarray(0, input.length >> 1), input.subarray(input.length >> 1)];
      for await (const _ of readContainerFile(asynchronously(halves), schema)) {
        // Each row is read; none is kept.
      }
    },
  };
}

async function* asynchronously<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

/** A schema that a registry answers, before the body that it is said to be of. */
async function registryDoor(): Promise<Door> {
  const ours = recordSchema('LabelAssigned');
  const codec = await openCodec(createFingerprintIds(), 'LabelAssigned', 'labels');
  const body = codec
    .encode({ imageId: 'i', task: 't', label: '7', assignedAt: 5, annotator: 'a' })
    .subarray(5);
  const newer = {
    ...ours,
    fields: [...(ours.fields as object[]), { name: 'more', type: ['null', 'string'], default: null }],
  };
  const loop = { type: 'record', name: 'Loop', fields: [{ name: 'next', type: 'Loop' }] };
  const deep = (depth: number): unknown =>
    depth === 0 ? 'string' : { type: 'array', items: deep(depth - 1) };
  const nested = { ...ours, fields: [{ name: 'imageId', type: deep(200) }] };
  const seeds = [ours, newer, loop, nested].map((schema) => {
    const json = Buffer.from(JSON.stringify(schema));
    return Buffer.concat([Buffer.from([json.length >> 8, json.length & 255]), json, body]);
  });
  return {
    seeds,
    async read(input) {
      const length = input.length < 2 ? 0 : input.readUInt16BE(0);
      const answered = input.subarray(2, 2 + length).toString('utf8');
      const ids = registryThatAnswers(answered);
      const reader = await openCodec(ids, 'LabelAssigned', 'labels');
      return reader.decode(Buffer.concat([Buffer.from([0, 0, 0, 0, 77]), input.subarray(2 + length)]));
    },
  };
}

function registryThatAnswers(answered: string): SchemaIds {
  const ids = createFingerprintIds();
  return {
    kind: 'registry',
    register: (subject, schema) => ids.register(subject, schema),
    async lookup(id) {
      if (id !== 77) return ids.lookup(id);
      try {
        const schema = JSON.parse(answered) as { type?: unknown; name?: unknown } | null;
        if (schema?.type === 'record' && typeof schema.name === 'string') return schema as never;
      } catch {
        // As the client of the registry has it: what is no schema of a record does not come this far.
      }
      return recordSchema('LabelAssigned');
    },
  };
}

function blobDoor(root: string): Door {
  const store = createFolderBlobStore({ root });
  const url = pathToFileURL(root).href;
  const uris = [
    `${url}/aa/bb`,
    url,
    `${url}/../x`,
    `${url}/%2e%2e/x`,
    'file:///etc/passwd',
    'http://169.254.169.254/',
    's3://bucket/key',
    `${url}/${'a/'.repeat(200)}`,
  ];
  return {
    seeds: uris.map((uri) => Buffer.from(JSON.stringify({ uri, byteLength: 3, sha256: 'ab'.repeat(32) }))),
    async read(input) {
      const given = jsonOf(input);
      const blob = {
        uri: String(given.uri),
        byteLength: Number(given.byteLength),
        sha256: String(given.sha256),
      };
      await store.get(blob);
      throw new Finding('a blob was read that was never stored');
    },
  };
}

/** The key of a record is an id that a URL can name, and no other, or is refused. */
const keyDoor: Door = {
  seeds: [Buffer.from('image-1')],
  async read(input) {
    const id = imageIdOfKey(input);
    const { pathname } = new URL(`/v1/images/${encodeURIComponent(id)}`, 'http://127.0.0.1');
    const named = decodeURIComponent(pathname.split('/').at(-1) ?? '');
    if (named !== id || !Buffer.from(id).equals(input)) throw new Finding('the id is another one in a URL');
  },
};

function jsonOf(input: Buffer): Record<string, unknown> {
  try {
    return { ...JSON.parse(input.toString('utf8')) };
  } catch {
    return { uri: input.toString('utf8'), byteLength: input.length, sha256: '' };
  }
}

async function openAvro(): Promise<OpenTarget> {
  const root = mkdtempSync(join(tmpdir(), 'headwater-fuzz-blobs-'));
  const ids = createFingerprintIds();
  await createFolderBlobStore({ root }).put(Buffer.from('something'));
  const doors = [
    ...(await recordDoors(ids)),
    ...(await vectorDoors(ids)),
    await containerDoor(),
    await registryDoor(),
    blobDoor(root),
    keyDoor,
  ];
  const seeds = doors.flatMap((one) => one.seeds);
  return {
    generate(random) {
      const index = random.integer(0, doors.length - 1);
      if (doors[index] === keyDoor && random.chance(0.5)) {
        return Buffer.concat([Buffer.from([index]), oddBytes(random)]);
      }
      const seed = random.pick(doors[index]?.seeds ?? seeds);
      // Text as well: what is long, empty or of another alphabet.
      const spoiled = random.chance(0.05)
        ? Buffer.concat([seed.subarray(0, random.integer(0, seed.length)), Buffer.from(text(random))])
        : mutate(seed, random, seeds);
      return Buffer.concat([Buffer.from([index]), spoiled]).subarray(0, largestInput);
    },
    async run(input) {
      const chosen = doors[(input[0] ?? 0) % doors.length];
      return codeOf(() => chosen?.read(Buffer.from(input.subarray(1))));
    },
    close: async () => rmSync(root, { recursive: true, force: true }),
  };
}

export const avroTarget: Target = {
  name: 'avro',
  documented: new Set([
    'ok',
    'wire-format-invalid',
    'record-empty',
    'record-invalid',
    'schema-unknown',
    'schema-incompatible',
    'avro-invalid',
    'blob-forbidden',
    'blob-missing',
    'blob-corrupt',
  ]),
  timeoutMs: 10_000,
  memoryBytes: 640 * 1024 * 1024,
  open: openAvro,
};
