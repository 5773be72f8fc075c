/**
 * Plans the additions to `released/`: each current schema that differs from the newest version of its name. A schema
 * that cannot read the data of a released version prevents the whole release.
 */
import type { AvroSchema } from './api.ts';
import { releaseProblems } from './avro/compatibility.ts';
import { type NamedSchema, schemaText } from './current-schemas.ts';
import type { ReleasedSchema } from './schema-files.ts';

interface ReleasePlan {
  /** Reasons that prevent the release; empty without problems. */
  readonly problems: readonly string[];
  readonly additions: readonly ReleasedSchema[];
}

export function planRelease(
  current: readonly NamedSchema[],
  released: readonly ReleasedSchema[],
): ReleasePlan {
  const problems = current.flatMap(({ name, schema }) => releaseProblems(name, schema, released));
  const additions = current.flatMap(({ name, schema }) => nextVersion(name, schema, released));
  return { problems, additions: problems.length > 0 ? [] : additions };
}

function nextVersion(
  name: string,
  schema: AvroSchema,
  released: readonly ReleasedSchema[],
): ReleasedSchema[] {
  const versions = released.filter((release) => release.name === name);
  const newest = Math.max(0, ...versions.map((release) => release.version));
  const last = versions.find((release) => release.version === newest);
  if (last !== undefined && schemaText(last.schema) === schemaText(schema)) return [];
  return [{ name, version: newest + 1, schema }];
}
