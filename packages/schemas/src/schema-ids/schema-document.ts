/** A schema in the form in which a registry answers `GET /schemas/ids/{id}`, so that any Confluent client can ask ingest. */
import type { SchemaIds } from '../api.ts';

/** Errors: schema-unknown, schema-registry-unavailable. */
export async function schemaForId(ids: SchemaIds, id: number): Promise<{ readonly schema: string }> {
  return { schema: JSON.stringify(await ids.lookup(id)) };
}
