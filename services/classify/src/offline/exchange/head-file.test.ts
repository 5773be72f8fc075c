import { createHash } from 'node:crypto';
import { createTrainingSet, quantize, trainHead } from '@headwater/heads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WholeHead } from '../../model-registry/head-catalog.ts';
import { decodeHeadFile, encodeHeadFile, headOf } from './head-file.ts';

function headFor(labels: readonly string[]): WholeHead {
  const set = createTrainingSet({ extractor: 'four.v1', task: 'digit', dimensions: 4 });
  for (let index = 0; index < 12; index++) {
    const vector = quantize(Float32Array.from({ length: 4 }, (_, at) => Math.sin(index * 1.3 + at * at)));
    set.add({ imageId: `i${index}`, label: labels[index % labels.length] ?? '', group: null, vector });
  }
  const head = trainHead(set, { kind: 'lda', mode: 'settled' });
  return {
    ...head,
    extractor: 'four.v1',
    task: 'digit',
    version: 7,
    watermark: 40,
    trainedAt: 1_700_000_000_000,
  };
}

const head = headFor(['ü', 'b', '__proto__']);
const text = encodeHeadFile(head);

describe('a head file', () => {
  it('decodes to the encoded head', () => {
    const file = decodeHeadFile(text);
    const back = headOf(file);
    expect({ ...back, parameters: Buffer.from(back.parameters) }).toEqual({
      kind: head.kind,
      mode: head.mode,
      classes: head.classes,
      dimensions: head.dimensions,
      examples: head.examples,
      digest: head.digest,
      setDigest: head.setDigest,
      arithmetic: head.arithmetic,
      regularization: head.regularization,
      temperature: head.temperature,
      measurements: head.measurements,
      parameters: Buffer.from(head.parameters),
    });
    expect(file).toMatchObject({ extractor: 'four.v1', task: 'digit', version: 7, watermark: 40 });
    expect(encodeHeadFile({ ...head, ...back, version: 7 })).toBe(text);
  });

  it('of version 1, without the arithmetic of its head, is accepted', () => {
    const { arithmetic, checksum, ...rest } = JSON.parse(text) as Record<string, unknown>;
    expect(arithmetic).toBe(head.arithmetic);
    const former = { ...rest, formatVersion: 1 };
    const sorted = (fields: object) => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
    const summed = sorted({ ...former, measurements: sorted(head.measurements) });
    const sum = createHash('sha256').update(JSON.stringify(summed)).digest('hex');
    expect(sum).not.toBe(checksum);
    const back = headOf(decodeHeadFile(JSON.stringify({ ...former, checksum: sum })));
    expect(back).toMatchObject({ digest: head.digest, arithmetic: 1 });
  });

  it('may be reformatted by other tools', () => {
    const reordered = Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse());
    expect(decodeHeadFile(JSON.stringify(reordered)).digest).toBe(head.digest);
  });

  it.each(Object.keys(JSON.parse(text) as object))('is rejected when %s was altered', (field) => {
    const file = JSON.parse(text) as Record<string, unknown>;
    const altered = new Map<string, unknown>([
      ['parameters', flipped(String(file.parameters))],
      ['measurements', { ...(file.measurements as object), more: 1 }],
      ['classes', (file.classes as string[]).toReversed()],
      ['kind', 'ncm'],
      ['mode', 'provisional'],
      ['regularization', 0.123],
    ]);
    const value = file[field];
    const other = altered.get(field) ?? (typeof value === 'number' ? value + 1 : flipped(String(value)));
    const changed = JSON.stringify({ ...file, [field]: other });
    expect(() => decodeHeadFile(changed)).toThrow(expect.objectContaining({ code: 'head-invalid' }));
  });

  it('is rejected after any byte was altered', () => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 127 }), (at, flip) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        const isBlank = /^\s*$/.test(String.fromCharCode(bytes[at] ?? 0, damaged[at] ?? 0));
        if (isBlank) return;
        expect(() => decodeHeadFile(damaged.toString())).toThrow(
          expect.objectContaining({ code: 'head-invalid' }),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('is not written for a head that does not match its digest', () => {
    expect(() => encodeHeadFile({ ...head, digest: '00'.repeat(32) })).toThrow(
      expect.objectContaining({ code: 'head-invalid' }),
    );
  });
});

function flipped(value: string): string {
  return `${value.startsWith('0') ? '1' : '0'}${value.slice(1)}`;
}
