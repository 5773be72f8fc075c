import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeadKind, HeadMode, LabelledVector } from '../api.ts';
import { trainHead } from '../models/head.ts';
import { quantize } from '../numerics/quantization.ts';
import { openSnapshot, snapshotBuffers, takeSnapshot } from './set-snapshot.ts';
import { createTrainingSet } from './training-set.ts';

const dimensions = 6;
const kinds: HeadKind[] = ['lda', 'ridge', 'ncm', 'knn', 'softmax'];
const modes: HeadMode[] = ['provisional', 'settled'];
const members = kinds.flatMap((kind) => modes.map((mode) => ({ kind, mode })));

const item = fc.record({
  label: fc.constantFrom('a', 'b', 'ü'),
  group: fc.option(fc.constantFrom('g', 'h'), { freq: 3 }),
  vector: fc
    .array(fc.integer({ min: -3, max: 3 }), { minLength: dimensions, maxLength: dimensions })
    .map((values) => quantize(Float32Array.from(values))),
});

function setOf(items: readonly Omit<LabelledVector, 'imageId'>[], lift: number | null = null) {
  const set = createTrainingSet({ extractor: 'net.v1', task: 'digit', dimensions, lift });
  for (const [index, one] of items.entries()) set.add({ ...one, imageId: `image ${index}` });
  return set;
}

/** Returns the value as another thread receives it. */
function post<T>(value: T, transfer: ArrayBuffer[]): T {
  return structuredClone(value, { transfer });
}

function manyItems(count: number, groups = false) {
  return Array.from({ length: count }, (_, i) => ({
    label: 'abc'[i % 3] ?? '',
    group: groups && i % 2 === 0 ? `g${i >> 3}` : null,
    vector: quantize(
      Float32Array.from({ length: dimensions }, (__, j) => ((i * 7 + j * j * 3) % 13) + (i % 3)),
    ),
  }));
}

describe('a snapshot of a training set', () => {
  it.each(members)('gives the same head as the set, $kind, $mode', (options) => {
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 1, maxLength: 24 }),
        fc.constantFrom(null, 8),
        (items, lift) => {
          const set = setOf(items, lift);
          const snapshot = takeSnapshot(set, options);
          const head = trainHead(post(snapshot, snapshotBuffers(snapshot)), options);
          expect(head).toEqual(trainHead(set, options));
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(modes)(
    'gives the same head for a set larger than its sample, with groups that would be split, %s',
    (mode) => {
      for (const groups of [false, true]) {
        const set = setOf(manyItems(2_400, groups));
        const options = { kind: 'lda', mode } as const;
        expect(trainHead(takeSnapshot(set, options), options)).toEqual(trainHead(set, options));
      }
    },
  );

  it('does not change with the set', () => {
    const set = setOf(manyItems(40));
    const options = { kind: 'lda', mode: 'provisional' } as const;
    const before = trainHead(set, options);
    const snapshot = takeSnapshot(set, options);
    set.add({
      imageId: 'more',
      label: 'z',
      group: null,
      vector: quantize(Float32Array.of(1, 0, 2, 0, 0, 1)),
    });
    expect(trainHead(snapshot, options)).toEqual(before);
  });

  it('is valid only for the head that it was taken for', () => {
    const set = setOf(manyItems(600));
    const snapshot = takeSnapshot(set, { kind: 'lda', mode: 'provisional' });
    expect(() => trainHead(snapshot, { kind: 'lda', mode: 'settled' })).toThrow(
      expect.objectContaining({ code: 'sample-incomplete' }),
    );
    expect(openSnapshot(takeSnapshot(set, { kind: 'mlp', mode: 'settled' })).sample(2_000)).toHaveLength(600);
  });
});
