/** Current schemas of all records and released extractors, by their name in `released/`. */
import type { AvroSchema } from './api.ts';
import { recordNames, recordSchema, releasedContracts } from './schema-files.ts';
import { vectorSchema } from './vector-contract.ts';

export interface NamedSchema {
  /** A record's name, or `vectors/<extractor>`. */
  readonly name: string;
  readonly schema: AvroSchema;
}

export function currentSchemas(): NamedSchema[] {
  const records = recordNames.map((name) => ({ name, schema: recordSchema(name) }));
  const vectors = releasedContracts().map((contract) => ({
    name: `vectors/${contract.extractor}`,
    schema: vectorSchema(contract),
  }));
  return [...records, ...vectors];
}

/** The file text of a schema. */
export function schemaText(schema: AvroSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}
