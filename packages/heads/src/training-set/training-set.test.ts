import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelledVector } from '../api.ts';
import { gramLength, rowOffset } from '../kernel/gram.ts';
import { unit } from '../numerics/quantization.ts';
import { sampleKey } from './sample-key.ts';
import { maximumExamples } from './sufficient-statistics.ts';
import { createTrainingSet, deserializeTrainingSet, requireExactTrainingSet } from './training-set.ts';

const dimensions = 5;
const options = { extractor: 'net.v1', task: 'digit', dimensions };
const vector = fc.int16Array({ minLength: dimensions, maxLength: dimensions, min: -unit, max: unit });
const example = fc.record({
  imageId: fc.string({ maxLength: 8 }),
  label: fc.constantFrom('a', 'b', 'ü', ''),
  group: fc.option(fc.constantFrom('g', 'h')),
  vector,
});
const examples = fc.uniqueArray(example, { maxLength: 40, selector: ({ imageId }) => imageId });

function setOf(list: readonly LabelledVector[]) {
  const set = createTrainingSet(options);
  for (const item of list) set.add(item);
  return set;
}

function plain(imageId: string, label = 'a', values: number[] = [1, 2, 3, 4, 5]): LabelledVector {
  return { imageId, label, group: null, vector: Int16Array.from(values) };
}

describe('a training set', () => {
  it('is the same after any order of additions and removals', () => {
    fc.assert(
      fc.property(examples, examples, fc.infiniteStream(fc.nat()), (kept, gone, random) => {
        const known = new Set(kept.map(({ imageId }) => imageId));
        const extra = gone.filter(({ imageId }) => !known.has(imageId));
        const order = [...kept, ...extra]
          .map((item) => ({ item, rank: random.next().value ?? 0 }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ item }) => item);
        const set = setOf(order);
        for (const item of extra) set.remove(item);
        expect(Buffer.compare(set.serialize(), setOf(kept).serialize())).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('is the same after any partition over workers and merge', () => {
    fc.assert(
      fc.property(
        examples,
        fc.array(fc.nat({ max: 3 }), { minLength: 40, maxLength: 40 }),
        (all, workers) => {
          const parts = [0, 1, 2, 3].map((part) => setOf(all.filter((_, i) => workers[i] === part)));
          const merged = createTrainingSet(options);
          for (const part of parts) merged.merge(deserializeTrainingSet(part.serialize()));
          expect(Buffer.compare(merged.serialize(), setOf(all).serialize())).toBe(0);
          expect(merged.setDigest).toBe(setOf(all).setDigest);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is the same after a corrected label as without the wrong one', () => {
    fc.assert(
      fc.property(examples, fc.constantFrom('a', 'b', 'new'), fc.nat(), (all, label, which) => {
        const corrected = all[which % Math.max(all.length, 1)];
        if (corrected === undefined) return;
        const set = setOf(all);
        set.remove(corrected);
        set.add({ ...corrected, label });
        const expected = setOf(all.map((item) => (item === corrected ? { ...item, label } : item)));
        expect(Buffer.compare(set.serialize(), expected.serialize())).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

describe('sums', () => {
  it('equal those of BigInt', () => {
    fc.assert(
      fc.property(examples, (all) => {
        const { statistics } = requireExactTrainingSet(setOf(all));
        const entries = statistics.gram;
        for (let i = 0; i < dimensions; i++) {
          for (let j = i; j < dimensions; j++) {
            const exact = all.reduce((sum, { vector: x }) => sum + BigInt(x[i] ?? 0) * BigInt(x[j] ?? 0), 0n);
            const at = rowOffset(i, statistics.width) + j - (i & ~3);
            expect(BigInt(entries[at] ?? Number.NaN)).toBe(exact);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('stay exact up to the maximum number of examples, and reject the next one', () => {
    const axis = plain('last', 'a', [unit, unit, -unit, 0, 0]);
    const set = requireExactTrainingSet(createTrainingSet(options));
    const { statistics } = set;
    const almost = maximumExamples - 1;
    const entry = unit * unit * almost;
    statistics.restoreClass(
      'a',
      almost,
      Float64Array.of(unit * almost, unit * almost, -unit * almost, 0, 0, 0, 0, 0),
    );
    const entries = new Float64Array(gramLength(statistics.width));
    entries.set([entry, entry, -entry]);
    statistics.restoreGram(entries);
    statistics.checkRoom(1);
    statistics.add('a', axis.vector);
    const largest = BigInt(unit) * BigInt(unit) * BigInt(maximumExamples);
    expect(BigInt(statistics.gram[0] ?? 0)).toBe(largest);
    expect(BigInt(statistics.gram[2] ?? 0)).toBe(-largest);
    expect(largest).toBe(2n ** 53n);
    expect(() => set.add(axis)).toThrow(expect.objectContaining({ code: 'statistics-overflow' }));
    expect(() => set.merge(setOf([axis]))).toThrow(expect.objectContaining({ code: 'statistics-overflow' }));
    expect(set.examples).toBe(maximumExamples);
  });

  it('are exact for blocks of sixteen extreme vectors', () => {
    const all = Array.from({ length: 33 }, (_, i) => plain(`${i}`, 'a', [unit, -unit, unit, -unit, unit]));
    const { statistics } = requireExactTrainingSet(setOf(all));
    expect(statistics.gram[0]).toBe(33 * unit * unit);
    expect(statistics.gram[1]).toBe(-33 * unit * unit);
  });
});

describe('the set digest', () => {
  it('equals the documented sum', () => {
    const field = (text: string) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const encoded = Buffer.concat([
      ...['headwater-example.v1', 'net.v1', 'digit', 'i', 'a'].map(field),
      Buffer.of(1),
      field('g'),
      Buffer.of(5, 0, 0, 0),
      Buffer.of(1, 0, 2, 0, 0xfd, 0xff, 4, 0, 0, 0x20),
    ]);
    const set = setOf([{ ...plain('i', 'a', [1, 2, -3, 4, unit]), group: 'g' }]);
    expect(set.setDigest).toBe(createHash('sha256').update(encoded).digest('hex'));
    expect(createTrainingSet(options).setDigest).toBe('0'.repeat(64));
  });

  it('changes with any field', () => {
    const base: LabelledVector = { ...plain('i'), group: 'g' };
    const others: LabelledVector[] = [
      { ...base, imageId: 'j' },
      { ...base, label: 'b' },
      { ...base, group: null },
      { ...base, group: '' },
      { ...base, vector: Int16Array.of(1, 2, 3, 4, 6) },
    ];
    const digests = [base, ...others].map((item) => setOf([item]).setDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('classes', () => {
  it('are ordered by their UTF-8 bytes and disappear with their last example', () => {
    const last = plain('3', '\u{1f600}');
    const set = setOf([plain('1', '\uffee'), plain('2', 'b'), last, plain('4', 'b')]);
    expect([...set.classes]).toEqual([
      ['b', 2],
      ['\uffee', 1],
      ['\u{1f600}', 1],
    ]);
    set.remove(last);
    expect([...set.classes.keys()]).toEqual(['b', '\uffee']);
  });
});

describe('a failed operation leaves the set unchanged', () => {
  const set = setOf([plain('1'), plain('2', 'b')]);
  const before = set.serialize();
  const long = plain('9', 'a', [1, 2, 3, 4, 5, 6]);
  const other = createTrainingSet({ ...options, task: 'other' });
  it.each([
    ['adding a wrong dimension', () => set.add(long)],
    ['removing a wrong dimension', () => set.remove(long)],
    ['adding a vector that is no unit vector', () => set.add(plain('9', 'a', [unit + 1, 0, 0, 0, 0]))],
    ['adding an image twice', () => set.add(plain('1', 'b'))],
    ['removing an unknown image', () => set.remove(plain('9'))],
    ['removing an unknown class', () => set.remove(plain('1', 'c'))],
    ['removing under another label', () => set.remove(plain('1', 'b'))],
    ['removing another vector', () => set.remove(plain('1', 'a', [5, 4, 3, 2, 1]))],
    ['merging another task', () => set.merge(other)],
    ['merging a set that overlaps', () => set.merge(setOf([plain('2')]))],
    ['reading damaged bytes', () => deserializeTrainingSet(before.subarray(0, -1))],
    ['reading other bytes', () => deserializeTrainingSet(new Uint8Array(64))],
  ])('%s', (_, act) => {
    expect(act).toThrow(expect.objectContaining({ code: 'statistics-mismatch' }));
    expect(Buffer.compare(set.serialize(), before)).toBe(0);
  });
});

describe('the sample', () => {
  const many = Array.from({ length: 6000 }, (_, i) =>
    plain(`image ${i}`, i % 3 === 0 ? 'a' : 'b', [i % 100, 0, 0, 0, 1]),
  );
  const byKey = many.toSorted((a, b) => Buffer.compare(sampleKey(a), sampleKey(b)));
  const ids = (list: readonly LabelledVector[]) => list.map(({ imageId }) => imageId);

  it('holds the examples with the smallest keys, in any order of arrival', () => {
    expect(ids(requireExactTrainingSet(setOf(many)).sample(2000))).toEqual(ids(byKey.slice(0, 2000)));
    expect(ids(requireExactTrainingSet(setOf(many.toReversed())).sample(2000))).toEqual(
      ids(byKey.slice(0, 2000)),
    );
  });

  it('survives removals by its reserve, then needs a refill, and is the same again', () => {
    const set = setOf(many);
    for (const item of byKey.slice(0, 1999)) set.remove(item);
    expect(ids(requireExactTrainingSet(set).sample(2000))).toEqual(ids(byKey.slice(1999, 3999)));
    expect(set.needsRefill).toBe(false);
    for (const item of byKey.slice(1999, 2500)) set.remove(item);
    expect(set.needsRefill).toBe(true);
    expect(() => set.serialize()).toThrow(expect.objectContaining({ code: 'sample-incomplete' }));
    expect(() => set.refill(byKey.slice(2501))).toThrow(
      expect.objectContaining({ code: 'statistics-mismatch' }),
    );
    expect(() => set.refill(byKey.slice(2500).toReversed())).toThrow(
      expect.objectContaining({ code: 'statistics-mismatch' }),
    );
    set.refill(byKey.slice(2500));
    expect(Buffer.compare(set.serialize(), setOf(byKey.slice(2500)).serialize())).toBe(0);
  });

  it('is complete again when the examples beyond the reserve are removed', () => {
    const set = setOf(many);
    for (const item of byKey.slice(1000)) set.remove(item);
    expect(set.needsRefill).toBe(false);
    expect(Buffer.compare(set.serialize(), setOf(byKey.slice(0, 1000)).serialize())).toBe(0);
  });

  it('is the same after merging large parts', () => {
    const merged = setOf(many.slice(0, 5500));
    merged.merge(deserializeTrainingSet(setOf(many.slice(5500)).serialize()));
    expect(Buffer.compare(merged.serialize(), setOf(many).serialize())).toBe(0);
  });

  it('never splits a group', () => {
    const grouped = many.map((item, i) => ({ ...item, group: `group ${i % 900}` }));
    const sample = requireExactTrainingSet(setOf(grouped)).sample(2000);
    const sizes = new Map<string, number>();
    for (const { group } of sample) sizes.set(group ?? '', (sizes.get(group ?? '') ?? 0) + 1);
    expect(sample.length).toBeGreaterThan(1990);
    for (const [group, size] of sizes) {
      expect(size).toBe(grouped.filter((item) => item.group === group).length);
    }
  });
});
