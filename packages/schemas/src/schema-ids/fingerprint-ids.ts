/**
 * Schema ids without a registry, derived from the schema so that all processes agree: 2^30 plus the first 30 bits of
 * the SHA-256 of its Parsing Canonical Form (Avro specification). Registries count from 1 and stay below. The form
 * excludes documentation and defaults, so changing those keeps the id.
 */
import { createHash } from 'node:crypto';
import { HeadwaterError } from '@headwater/errors';
import type { AvroSchema, SchemaIds } from '../api.ts';
import { parseType } from '../avro/avro-types.ts';
import { recordNames, recordSchema, releasedContracts, releasedSchemas } from '../schema-files.ts';
import { vectorSchema } from '../vector-contract.ts';

const firstDerivedId = 2 ** 30;

/** True for ids that are derived from a fingerprint, false for those of a registry. */
export function isDerivedId(id: number): boolean {
  return id >= firstDerivedId;
}

/** Avro's Parsing Canonical Form. */
export function canonicalForm(schema: AvroSchema): string {
  return JSON.stringify(parseType(schema).schema());
}

/** The derived id of a schema, from 2^30 to 2^31 − 1. */
export function fingerprintId(schema: AvroSchema): number {
  const digest = createHash('sha256').update(canonicalForm(schema)).digest();
  return firstDerivedId + (digest.readUInt32BE(0) >>> 2);
}

/** Schemas by derived id. Rejects two schemas with one id and different canonical forms. */
interface DerivedIds {
  add(schema: AvroSchema): number;
  get(id: number): AvroSchema | undefined;
}

/** Limit on the schemas of one process, to detect a defect. */
const maximumSchemas = 10_000;

function createDerivedIds(schemas: Iterable<AvroSchema>): DerivedIds {
  const known = new Map<number, AvroSchema>();
  const add = (schema: AvroSchema): number => {
    const id = fingerprintId(schema);
    assertFree(known, id, schema);
    known.set(id, schema);
    return id;
  };
  for (const schema of schemas) add(schema);
  return { add, get: (id) => known.get(id) };
}

function assertFree(known: ReadonlyMap<number, AvroSchema>, id: number, schema: AvroSchema): void {
  const other = known.get(id);
  if (other !== undefined && canonicalForm(other) !== canonicalForm(schema)) {
    const message = `the schemas ${other.name} and ${schema.name} have the same fingerprint id; use a schema registry`;
    throw new HeadwaterError('schema-incompatible', message, { context: { schemaId: id } });
  }
  if (other === undefined && known.size >= maximumSchemas) {
    throw new HeadwaterError('limit-exceeded', `more than ${maximumSchemas} schemas in one process`);
  }
}

/** All schemas of this version; released ones first, so that the current documentation of a schema wins. */
export function knownSchemas(): AvroSchema[] {
  return [
    ...releasedSchemas().map((release) => release.schema),
    ...recordNames.map(recordSchema),
    ...releasedContracts().map(vectorSchema),
  ];
}

let shared: DerivedIds | undefined;

/** The derived ids of this process, shared by all codecs and readers. */
export function derivedIds(): DerivedIds {
  shared ??= createDerivedIds(knownSchemas());
  return shared;
}

/** Ids from fingerprints. `register` errors: schema-incompatible; `lookup` errors: schema-unknown. */
export function createFingerprintIds(): SchemaIds {
  const ids = derivedIds();
  return {
    kind: 'fingerprint',
    register: async (_subject, schema) => ids.add(schema),
    lookup: async (id) => {
      const schema = ids.get(id);
      if (schema !== undefined) return schema;
      throw unknownSchema(id);
    },
  };
}

export function unknownSchema(id: number): HeadwaterError {
  const advice = isDerivedId(id)
    ? 'it was derived by another version of Headwater or from an unknown contract'
    : 'it is not in the schema registry, or SCHEMA_REGISTRY_URL is not set';
  return new HeadwaterError('schema-unknown', `unknown schema id ${id}: ${advice}`, {
    context: { schemaId: id },
  });
}
