/**
 * Schema ids from a registry. Schemas are registered under `<topic>-value` with BACKWARD_TRANSITIVE on the subject, so
 * that the registry rejects incompatible schemas. Ids that were derived from fingerprints before are still resolved.
 */
import { HeadwaterError } from '@headwater/errors';
import type { AvroSchema, SchemaIds } from '../api.ts';
import { BoundedMap } from './bounded-map.ts';
import { derivedIds, unknownSchema } from './fingerprint-ids.ts';
import { createRegistryClient, type RegistryClient, type RegistryOptions } from './registry-client.ts';

export type { RegistryOptions } from './registry-client.ts';

const compatibility = 'BACKWARD_TRANSITIVE';
/** Largest number of cached schemas; codecs also cache their decoders. */
const maximumSchemas = 1000;

/** Attempts at start, when the registry may also be starting: about half a minute. */
const startAttempts = 20;

/** Ids from the registry of Confluent or Apicurio. Errors: config-invalid, and those of `SchemaIds`. */
export function createRegistryIds(options: RegistryOptions): SchemaIds {
  const client = createRegistryClient(options);
  const patient = createRegistryClient({ attempts: startAttempts, ...options });
  const known = new BoundedMap<number, Promise<AvroSchema>>(maximumSchemas);
  const request = (id: number): Promise<AvroSchema> => {
    const requested = fetchSchema(client, id);
    known.set(id, requested);
    requested.catch(() => known.delete(id)); // so that the next record requests it again
    return requested;
  };
  return {
    kind: 'registry',
    register: (subject, schema) => register(patient, subject, schema),
    lookup: async (id) => derivedIds().get(id) ?? (await (known.get(id) ?? request(id))),
  };
}

async function fetchSchema(client: RegistryClient, id: number): Promise<AvroSchema> {
  if (id < 0) throw unknownSchema(id);
  const { status, body } = await client.request('GET', `/schemas/ids/${id}`);
  if (status === 404) throw unknownSchema(id);
  const schema =
    body.schemaType === undefined || body.schemaType === 'AVRO' ? parseSchema(body.schema) : undefined;
  if (schema !== undefined) return schema;
  throw new HeadwaterError('schema-incompatible', `schema id ${id} is not an Avro record schema`, {
    verdict: 'dead-letter',
    context: { schemaId: id },
  });
}

function parseSchema(text: unknown): AvroSchema | undefined {
  try {
    const schema = JSON.parse(String(text)) as AvroSchema | null;
    return schema?.type === 'record' && typeof schema.name === 'string' ? schema : undefined;
  } catch {
    return undefined;
  }
}

/** An existing schema needs no write permission, because deployment pipelines fill many registries. */
async function register(client: RegistryClient, subject: string, schema: AvroSchema): Promise<number> {
  const path = `/subjects/${encodeURIComponent(subject)}`;
  const content = { schema: JSON.stringify(schema) };
  const present = await client.request('POST', path, content);
  if (present.status !== 404) {
    await tolerateReadOnly(restrict(client, subject));
    return idOf(present.body, subject);
  }
  await restrict(client, subject);
  const { status, body } = await client.request('POST', `${path}/versions`, content);
  if (status === 404) {
    throw new HeadwaterError(
      'config-invalid',
      'SCHEMA_REGISTRY_URL: there is no schema registry at this URL (404)',
    );
  }
  await restrict(client, subject); // again: some registries ignore the level of a subject that does not exist
  return idOf(body, subject);
}

function idOf(body: Readonly<Record<string, unknown>>, subject: string): number {
  if (Number.isInteger(body.id)) return body.id as number;
  throw new HeadwaterError(
    'config-invalid',
    `the schema registry returned no id for ${subject}; check SCHEMA_REGISTRY_URL`,
  );
}

/** Sets the compatibility of a subject unless it is at least as strict. */
async function restrict(client: RegistryClient, subject: string): Promise<void> {
  const path = `/config/${encodeURIComponent(subject)}`;
  const current = await client.request('GET', path);
  const level = current.body.compatibilityLevel;
  if (level === compatibility || level === 'FULL_TRANSITIVE') return;
  await client.request('PUT', path, { compatibility });
}

async function tolerateReadOnly(step: Promise<unknown>): Promise<void> {
  try {
    await step;
  } catch (error) {
    const refused = error instanceof HeadwaterError && error.code === 'config-invalid';
    if (!refused) throw error;
  }
}
