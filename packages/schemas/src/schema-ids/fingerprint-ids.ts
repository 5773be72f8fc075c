/**
 * Schema ids without a registry: derived from the schema itself, so that all processes agree. The id is 2^30 plus the first 30 bits
 * of the SHA-256 of the schema's Parsing Canonical Form (Avro specification); registries count up from 1
 * and do not get there. Documentation and defaults are not part of that form, so changing them keeps the id.
 */
import { createHash } from 'node:crypto';
import { HeadwaterError } from '@headwater/errors';
import type { AvroSchema, SchemaIds } from '../api.ts';
import { parseType } from '../avro/avro-types.ts';
import { recordNames, recordSchema, releasedContracts, releasedSchemas } from '../schema-files.ts';
import { vectorSchema } from '../vector-contract.ts';

const firstDerivedId = 2 ** 30;

/** True for ids that are derived from a fingerprint rather than given by a registry. */
export function isDerivedId(id: number): boolean {
  return id >= firstDerivedId;
}

/** Avro's Parsing Canonical Form. */
export function canonicalForm(schema: AvroSchema): string {
  return JSON.stringify(parseType(schema).schema());
}

/** The id of a schema where no registry gives one: from 2^30 to 2^31 − 1. */
export function fingerprintId(schema: AvroSchema): number {
  const digest = createHash('sha256').update(canonicalForm(schema)).digest();
  return firstDerivedId + (digest.readUInt32BE(0) >>> 2);
}

/** Schemas by derived id. Two schemas with one id and different canonical forms are refused. */
export interface DerivedIds {
  add(schema: AvroSchema): number;
  get(id: number): AvroSchema | undefined;
}

/** More schemas than this in one process are a mistake, and refused. */
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
    const message = `The schemas ${other.name} and ${schema.name} have the same fingerprint id: use a registry.`;
    throw new HeadwaterError('schema-incompatible', message, { context: { schemaId: id } });
  }
  if (other === undefined && known.size >= maximumSchemas) {
    throw new HeadwaterError('limit-exceeded', `More than ${maximumSchemas} schemas in one process.`);
  }
}

/** Everything this version of Headwater knows: released first, so that the current wording of a schema wins. */
export function knownSchemas(): AvroSchema[] {
  return [
    ...releasedSchemas().map((release) => release.schema),
    ...recordNames.map(recordSchema),
    ...releasedContracts().map(vectorSchema),
  ];
}

let shared: DerivedIds | undefined;

/** The derived ids of this process. What one codec registers, every reader in the process can look up. */
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
    ? 'it was derived by a version of Headwater, or from a contract, that this one does not know'
    : 'it is not known to the schema registry, or SCHEMA_REGISTRY_URL is not set';
  return new HeadwaterError('schema-unknown', `Schema id ${id} is unknown: ${advice}.`, {
    context: { schemaId: id },
  });
}
