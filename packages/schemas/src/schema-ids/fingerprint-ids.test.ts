import { describe, expect, it } from 'vitest';
import type { AvroSchema } from '../api.ts';
import { recordSchema } from '../schema-files.ts';
import {
  canonicalForm,
  createFingerprintIds,
  fingerprintId,
  isDerivedId,
  knownSchemas,
} from './fingerprint-ids.ts';
import { schemaForId } from './schema-document.ts';

const ids = createFingerprintIds();
const pair = (doc: string): AvroSchema => ({
  type: 'record',
  name: 'Pair',
  namespace: 'test',
  doc,
  fields: [{ name: 'left', type: { type: 'int' }, doc, default: 1 }],
});

describe('ids from fingerprints', () => {
  it('derive from the canonical form of the Avro specification', () => {
    const form = '{"name":"test.Pair","type":"record","fields":[{"name":"left","type":"int"}]}';
    expect(canonicalForm(pair('x'))).toBe(form);
    // The SHA-256 of that text begins with 454d4e85; 2^30 + (0x454d4e85 >> 2).
    expect(fingerprintId(pair('x'))).toBe(1_364_415_393);
    expect(fingerprintId(pair('another text'))).toBe(1_364_415_393);
  });

  it('are outside the range of registries and do not collide', () => {
    const byId = new Map<number, string>();
    for (const schema of knownSchemas()) {
      const id = fingerprintId(schema);
      expect(isDerivedId(id) && id < 2 ** 31).toBe(true);
      expect(byId.get(id) ?? canonicalForm(schema)).toBe(canonicalForm(schema));
      byId.set(id, canonicalForm(schema));
    }
    expect(byId.size).toBeGreaterThanOrEqual(8);
  });

  it('resolve bundled schemas and those registered in this process', async () => {
    const label = recordSchema('LabelAssigned');
    expect(await ids.lookup(fingerprintId(label))).toEqual(label);
    const id = await ids.register('pairs-value', pair('x'));
    expect(await createFingerprintIds().lookup(id)).toEqual(pair('x'));
    expect(await schemaForId(ids, id)).toEqual({ schema: JSON.stringify(pair('x')) });
  });

  it.each([1, 2 ** 30, -5])('reject %i with schema-unknown', async (id) => {
    await expect(ids.lookup(id)).rejects.toMatchObject({ code: 'schema-unknown', verdict: 'dead-letter' });
  });
});
