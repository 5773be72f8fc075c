import { describe, expect, it } from 'vitest';
import type { AvroSchema } from '../api.ts';
import { currentSchemas } from '../current-schemas.ts';
import { releasedSchemas } from '../schema-files.ts';
import { vectorSchema } from '../vector-contract.ts';
import { incompatibilities, releaseProblems } from './compatibility.ts';

const released = releasedSchemas();
const current = currentSchemas();

describe('the current schemas', () => {
  it.each(current.map(({ name, schema }) => [name, schema] as const))(
    '%s reads everything that a released version wrote',
    (name, schema) => {
      expect(releaseProblems(name, schema, released)).toEqual([]);
    },
  );

  it('exist for every released name', () => {
    const names = new Set(current.map(({ name }) => name));
    expect(released.filter(({ name }) => !names.has(name))).toEqual([]);
  });

  it('have released versions without gaps', () => {
    for (const { name } of current) {
      const versions = released.filter((release) => release.name === name).map((release) => release.version);
      expect(versions.sort((a, b) => a - b)).toEqual(versions.map((_, i) => i + 1));
    }
  });
});

const time = { type: 'long', logicalType: 'timestamp-millis' };
const kind = { type: 'enum', name: 'Kind', symbols: ['lda', 'ridge'] };
const base = [
  { name: 'id', type: 'string' },
  { name: 'at', type: time },
  { name: 'kind', type: kind },
  { name: 'group', type: ['null', 'string'], default: null },
  { name: 'sum', type: { type: 'fixed', name: 'Sum', size: 4 } },
  { name: 'times', type: { type: 'map', values: time } },
];
type Field = { name: string; type: unknown; default?: unknown };

function record(fields: readonly Field[], name = 'R'): AvroSchema {
  return { type: 'record', name, namespace: 'test', fields };
}
const replaced = (name: string, type: unknown, rest: object = {}): Field[] =>
  base.map((field) => (field.name === name ? { name, type, ...rest } : field));

describe('a changed schema', () => {
  it.each([
    ['adds a field with a default', [...base, { name: 'more', type: 'int', default: 0 }]],
    ['drops a field', base.slice(1)],
    ['widens a union', replaced('group', ['null', 'string', 'int'], { default: null })],
    ['makes a field optional', replaced('id', ['null', 'string'])],
    ['adds a symbol', replaced('kind', { ...kind, symbols: ['lda', 'ridge', 'ncm'] })],
    ['drops a symbol and has a default', replaced('kind', { ...kind, symbols: ['lda'], default: 'lda' })],
    ['changes documentation', base.map((field) => ({ ...field, doc: 'text' }))],
    ['orders its fields anew', base.toReversed()],
  ])('is compatible when it %s', (_, fields) => {
    expect(releaseProblems('R', record(fields), [{ name: 'R', version: 1, schema: record(base) }])).toEqual(
      [],
    );
  });

  it.each([
    ['adds a field without a default', [...base, { name: 'more', type: 'int' }]],
    ['has a default that does not fit', [...base, { name: 'more', type: 'int', default: 'x' }]],
    ['narrows a union', replaced('group', 'string')],
    ['changes a type', replaced('id', 'int')],
    ['narrows a type', replaced('at', 'int')],
    ['drops a symbol', replaced('kind', { ...kind, symbols: ['lda'] })],
    ['changes a size', replaced('sum', { type: 'fixed', name: 'Sum', size: 8 })],
    ['renames a type', replaced('sum', { type: 'fixed', name: 'Total', size: 4 })],
    ['changes a logical type', replaced('at', { type: 'long', logicalType: 'timestamp-micros' })],
    ['drops a logical type', replaced('at', 'long')],
    ['adds a logical type', replaced('id', { type: 'string', logicalType: 'uuid' })],
    ['changes a logical type inside a map', replaced('times', { type: 'map', values: 'long' })],
  ])('is incompatible when it %s', (_, fields) => {
    const problems = releaseProblems('R', record(fields), [{ name: 'R', version: 1, schema: record(base) }]);
    expect(problems).toEqual([expect.stringMatching(/^R cannot read data of version 1: ./)]);
  });

  it('is compared with every version, not only the newest', () => {
    const versions = [
      { name: 'R', version: 1, schema: record([...base, { name: 'n', type: 'string' }]) },
      { name: 'R', version: 2, schema: record(base) },
      { name: 'S', version: 1, schema: record([]) },
    ];
    const current = record([...base, { name: 'n', type: 'int', default: 0 }]);
    expect(releaseProblems('R', current, versions)).toEqual([expect.stringContaining('version 1')]);
  });

  it('must not rename a record', () => {
    expect(incompatibilities(record(base, 'Q'), record(base))).toHaveLength(1);
  });

  it.each([{ normalization: 'unit' }, { dimensions: 801 }] as const)(
    'must not change the contract of a released extractor: %o',
    (change) => {
      const contract = {
        extractor: 'lenet-digits.v1',
        dimensions: 800,
        elementType: 'float32',
        byteOrder: 'little-endian',
        normalization: 'none',
        description: '',
      } as const;
      const name = 'vectors/lenet-digits.v1';
      expect(releaseProblems(name, vectorSchema(contract), released)).toEqual([]);
      expect(releaseProblems(name, vectorSchema({ ...contract, ...change }), released)).not.toEqual([]);
    },
  );
});
