import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AvroSchema } from './api.ts';
import { recordNames, recordSchema, releasedContracts } from './schema-files.ts';
import { vectorSchema } from './vector-contract.ts';

/** Declarations of records.ts by name, without comments: fields of interfaces, alternatives of types. */
function declarationsOf(source: string): Map<string, string[]> {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '');
  const found = new Map<string, string[]>();
  for (const [, name, body] of code.matchAll(/export interface (\w+) \{([^}]*)\}/g)) {
    const fields = String(body)
      .split(';')
      .map((field) => field.trim().replace(/^readonly /, ''));
    found.set(
      String(name),
      fields.filter((field) => field !== ''),
    );
  }
  for (const [, name, body] of code.matchAll(/export type (\w+) = ([^;]*);/g)) {
    found.set(
      String(name),
      String(body)
        .split('|')
        .map((part) => part.trim()),
    );
  }
  return found;
}

interface Named {
  readonly type: string;
  readonly name: string;
  readonly fields?: readonly { readonly name: string; readonly type: unknown }[];
  readonly symbols?: readonly string[];
  readonly items?: unknown;
  readonly values?: unknown;
}

const primitives: Readonly<Record<string, string>> = {
  string: 'string',
  int: 'number',
  long: 'number',
  double: 'number',
  bytes: 'Buffer',
  fixed: 'Float32Array',
  null: 'null',
};

/** The TypeScript type of an Avro type; adds named types to `named`. */
function typeScript(type: unknown, named: Map<string, string[]>): string {
  if (typeof type === 'string') return primitives[type] ?? type;
  if (Array.isArray(type)) {
    const branches = type.map((branch) => typeScript(branch, named));
    return [...branches.filter((b) => b !== 'null'), ...branches.filter((b) => b === 'null')].join(' | ');
  }
  const schema = type as Named;
  if (schema.type === 'array') return `readonly ${typeScript(schema.items, named)}[]`;
  if (schema.type === 'map') return `Readonly<Record<string, ${typeScript(schema.values, named)}>>`;
  if (schema.symbols !== undefined)
    named.set(
      schema.name,
      schema.symbols.map((symbol) => `'${symbol}'`),
    );
  if (schema.fields !== undefined) {
    const fields = schema.fields.map((field) => `${field.name}: ${typeScript(field.type, named)}`);
    named.set(schema.name, fields);
  }
  return primitives[schema.type] ?? schema.name;
}

function declarationsFor(schema: AvroSchema): Map<string, string[]> {
  const named = new Map<string, string[]>();
  typeScript(schema, named);
  return named;
}

const declared = declarationsOf(readFileSync(new URL('records.ts', import.meta.url), 'utf8'));

/** Fields whose TypeScript type is more specific than Avro: the bytes of an example are int16. */
const refinements: Readonly<Record<string, string>> = { 'Example.vector: Buffer': 'vector: Int16Array' };

const schemas = [...recordNames.map(recordSchema), ...releasedContracts().map(vectorSchema)];

describe('records.ts and the .avsc files', () => {
  it.each(schemas.map((schema) => [schema.namespace, schema.name, schema]))(
    'agree on %s.%s',
    (_, __, schema) => {
      for (const [name, parts] of declarationsFor(schema as AvroSchema)) {
        const expected = parts.map((part) => refinements[`${name}.${part}`] ?? part);
        expect({ [name]: declared.get(name) }).toEqual({ [name]: expected });
      }
    },
  );

  it('declare the same names', () => {
    const names = new Set(schemas.flatMap((schema) => [...declarationsFor(schema).keys()]));
    expect([...declared.keys()].sort()).toEqual([...names].sort());
  });
});

describe('the .avsc files', () => {
  it.each(schemas.map((schema) => [schema.name, schema]))(
    'document every type and field of %s',
    (_, schema) => {
      const undocumented: string[] = [];
      const visit = (part: unknown, path: string): void => {
        if (typeof part !== 'object' || part === null) return;
        const { name, type, doc } = part as { name?: string; type?: unknown; doc?: string };
        const here = name === undefined ? path : `${path}/${name}`;
        if (name !== undefined && type !== 'fixed' && !doc) undocumented.push(here);
        for (const child of Object.values(part)) visit(child, here);
      };
      visit(schema, '');
      expect(undocumented).toEqual([]);
    },
  );
});
