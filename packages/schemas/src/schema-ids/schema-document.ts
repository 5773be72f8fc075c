/** A schema in the response form of a registry's `GET /schemas/ids/{id}`, so that Confluent clients can use ingest. */
import type { SchemaIds } from '../api.ts';

/** Errors: schema-unknown, schema-registry-unavailable. */
export async function schemaForId(ids: SchemaIds, id: number): Promise<{ readonly schema: string }> {
  return { schema: JSON.stringify(await ids.lookup(id)) };
}
