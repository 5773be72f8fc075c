/**
 * Checks that a reader schema can read all data of a writer schema. avsc's resolver checks structure, names, sizes and
 * defaults, but not the meaning of a type: its logical type and the attributes of a vector. Those are compared here,
 * so that milliseconds are never silently read as microseconds.
 */
import type { AvroSchema } from '../api.ts';
import type { ReleasedSchema } from '../schema-files.ts';
import { parseType } from './avro-types.ts';

/**
 * Reasons why `reader` cannot read all data of `writer`; empty when it can. A writer type without a logical type (a
 * plain `long` for a time) is accepted; another logical type is not.
 */
export function incompatibilities(reader: AvroSchema, writer: AvroSchema): string[] {
  const structure = structuralProblems(reader, writer);
  return structure.length > 0 ? structure : meaningProblems(reader, writer, (stated) => stated === '');
}

/**
 * BACKWARD_TRANSITIVE: reasons why the current schema cannot replace all released versions of its name. Stricter than
 * `incompatibilities`: a released schema must not add a logical type either.
 */
export function releaseProblems(
  name: string,
  current: AvroSchema,
  released: readonly ReleasedSchema[],
): string[] {
  const versions = released.filter((release) => release.name === name);
  return versions.flatMap(({ version, schema }) => {
    const structure = structuralProblems(current, schema);
    const problems = structure.length > 0 ? structure : meaningProblems(current, schema, () => false);
    return problems.map((problem) => `${name} cannot read data of version ${version}: ${problem}`);
  });
}

function structuralProblems(reader: AvroSchema, writer: AvroSchema): string[] {
  try {
    parseType(reader).createResolver(parseType(writer));
    return [];
  } catch (cause) {
    return [cause instanceof Error ? cause.message : String(cause)];
  }
}

function meaningProblems(
  reader: AvroSchema,
  writer: AvroSchema,
  excused: (stated: string) => boolean,
): string[] {
  const expected = meanings(reader);
  return [...meanings(writer)].flatMap(([path, stated]) => {
    const meaning = expected.get(path);
    if (meaning === undefined || meaning === stated || excused(stated)) return [];
    return [`${path} means ${meaning || 'its plain type'}, and was written as ${stated || 'its plain type'}`];
  });
}

type Json = Readonly<Record<string, unknown>>;

/** Attributes of Avro's structure; all other attributes of a logical type belong to its meaning. */
const structural = [
  'type',
  'name',
  'namespace',
  'doc',
  'aliases',
  'size',
  'items',
  'values',
  'symbols',
  'fields',
];

/** Meaning by path in a schema (`labels{}`, `head.version`); `''` without a logical type. */
function meanings(schema: unknown): Map<string, string> {
  const found = new Map<string, string>();
  collect(schema, '', found);
  return found;
}

function collect(schema: unknown, path: string, found: Map<string, string>): void {
  if (Array.isArray(schema)) {
    for (const branch of schema) collect(branch, path, found);
  } else if (typeof schema === 'object' && schema !== null) {
    collectParts(schema as Json, path, found);
  } else if (schema !== 'null') {
    found.set(path, '');
  }
}

function collectParts(type: Json, path: string, found: Map<string, string>): void {
  found.set(path, meaningOf(type));
  if (type.items !== undefined) collect(type.items, `${path}[]`, found);
  if (type.values !== undefined) collect(type.values, `${path}{}`, found);
  for (const field of (type.fields ?? []) as Json[]) {
    collect(field.type, path === '' ? `${field.name}` : `${path}.${field.name}`, found);
  }
}

function meaningOf(type: Json): string {
  if (type.logicalType === undefined) return '';
  const parts = Object.entries(type).filter(([name]) => !structural.includes(name));
  const sorted = parts.sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ');
}
