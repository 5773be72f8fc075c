/**
 * Schema ids from a registry. Schemas are registered under `<topic>-value`, with BACKWARD_TRANSITIVE set on the subject, so that the
 * registry itself refuses what could not read the past. Ids that were derived from fingerprints
 * before the registry was set are still resolved.
 */
import { HeadwaterError } from '@headwater/errors';
import type { AvroSchema, SchemaIds } from '../api.ts';
import { BoundedMap } from './bounded-map.ts';
import { derivedIds, unknownSchema } from './fingerprint-ids.ts';
import { createRegistryClient, type RegistryClient, type RegistryOptions } from './registry-client.ts';

export type { RegistryOptions } from './registry-client.ts';

const compatibility = 'BACKWARD_TRANSITIVE';
/** What is kept of the registry's schemas; a codec keeps its own decoders besides. */
const maximumSchemas = 1000;

/** Schemas are registered at start, when the registry may be starting too: about half a minute. */
const startAttempts = 20;

/** Ids from Confluent's or Apicurio's registry. Errors: config-invalid; see `SchemaIds` for those of its functions. */
export function createRegistryIds(options: RegistryOptions): SchemaIds {
  const client = createRegistryClient(options);
  const patient = createRegistryClient({ attempts: startAttempts, ...options });
  const known = new BoundedMap<number, Promise<AvroSchema>>(maximumSchemas);
  const ask = (id: number): Promise<AvroSchema> => {
    const asked = fetchSchema(client, id);
    known.set(id, asked);
    asked.catch(() => known.delete(id)); // the next record asks again: the schema may have come, or the registry be back
    return asked;
  };
  return {
    kind: 'registry',
    register: (subject, schema) => register(patient, subject, schema),
    lookup: async (id) => derivedIds().get(id) ?? (await (known.get(id) ?? ask(id))),
  };
}

async function fetchSchema(client: RegistryClient, id: number): Promise<AvroSchema> {
  if (id < 0) throw unknownSchema(id);
  const { status, body } = await client.request('GET', `/schemas/ids/${id}`);
  if (status === 404) throw unknownSchema(id);
  const schema =
    body.schemaType === undefined || body.schemaType === 'AVRO' ? parseSchema(body.schema) : undefined;
  if (schema !== undefined) return schema;
  throw new HeadwaterError('schema-incompatible', `Schema id ${id} is not the schema of an Avro record.`, {
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

/** A schema that is there already needs no right to write: many registries are filled by a pipeline. */
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
    throw new HeadwaterError('config-invalid', 'There is no schema registry at SCHEMA_REGISTRY_URL (404).');
  }
  await restrict(client, subject); // again: some registries set nothing on a subject that did not exist yet
  return idOf(body, subject);
}

function idOf(body: Readonly<Record<string, unknown>>, subject: string): number {
  if (Number.isInteger(body.id)) return body.id as number;
  throw new HeadwaterError('config-invalid', `The schema registry answered without an id for ${subject}.`);
}

/** Sets the subject's compatibility unless it is as strict already. */
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
