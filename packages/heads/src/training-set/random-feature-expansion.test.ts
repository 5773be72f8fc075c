import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { referenceKernel } from '../kernel/reference-kernel.ts';
import { openSimdKernel } from '../kernel/simd-kernel.ts';
import { openHead, trainHead } from '../models/head.ts';
import { quantize, unit } from '../numerics/quantization.ts';
import { maximumExpandedValue, openFeatureExpansion } from './random-feature-expansion.ts';
import { maximumExpandedExamples } from './sufficient-statistics.ts';
import { ExactTrainingSet } from './training-set.ts';

const simdKernel = openSimdKernel();
if (simdKernel === null) throw new Error('the engine that runs the tests has no WebAssembly SIMD');
const kernels = [referenceKernel, simdKernel];
const dimensions = 5;

/** Two classes on the corners of a square, which no line separates (XOR). */
function examples(count: number) {
  return Array.from({ length: count }, (_, i) => {
    const [a, b] = [i % 2 === 0 ? 1 : -1, i % 4 < 2 ? 1 : -1];
    const noise = ((i * 37) % 101) / 400;
    const vector = quantize(Float32Array.of(a + noise, b - noise, noise, 1, 0));
    return { imageId: `${i}`, label: a * b > 0 ? 'same' : 'other', group: null, vector };
  });
}

describe('the random feature expansion', () => {
  it('is the same with both kernels, and within its bounds', () => {
    const vectors = [
      ...examples(20).map(({ vector }) => vector),
      new Int16Array(dimensions),
      Int16Array.of(unit, unit, unit, unit, -unit),
    ];
    for (const vector of vectors) {
      const [plain, simd] = kernels.map((kernel) =>
        openFeatureExpansion(kernel, dimensions, 76).apply(vector),
      );
      expect(simd).toEqual(plain);
      expect(Math.min(...(plain ?? []))).toBe(0);
      expect(Math.max(...(plain ?? []))).toBeLessThanOrEqual(maximumExpandedValue);
    }
  });

  it('has the recorded values, since others would give other heads', () => {
    const expanded = openFeatureExpansion(referenceKernel, dimensions, 64).apply(
      Int16Array.of(8000, -1000, 500, 100, 3),
    );
    expect(createHash('sha256').update(Buffer.from(expanded.buffer)).digest('hex')).toMatchInlineSnapshot(
      `"4e6e1a1483c6c01c090c45dfe667250ddba57f6b6707654b1633fd7a010ca820"`,
    );
  });

  it.each([0, 3, 6, 100_000, 8.5])('rejects %d dimensions', (expanded) => {
    expect(() => openFeatureExpansion(referenceKernel, dimensions, expanded)).toThrow(
      expect.objectContaining({ code: 'request-invalid' }),
    );
  });
});

describe('a training set with random feature expansion', () => {
  const options = { extractor: 'e', task: 't', dimensions, lift: 64 };
  const setOf = (list: ReturnType<typeof examples>, kernel = referenceKernel) => {
    const set = new ExactTrainingSet(options, kernel);
    for (const example of list) set.add(example);
    return set;
  };

  it('learns a non-linear boundary, and its head expands vectors itself', () => {
    const classifier = openHead(trainHead(setOf(examples(200)), { kind: 'lda', mode: 'settled' }));
    const right = examples(300).filter(
      ({ vector, label }) => classifier.predict(vector).label === label,
    ).length;
    expect(right / 300).toBeGreaterThan(0.97);
    expect(classifier.dimensions).toBe(dimensions);
    const flat = new ExactTrainingSet({ ...options, lift: null }, referenceKernel);
    for (const example of examples(200)) flat.add(example);
    const plain = openHead(trainHead(flat, { kind: 'lda', mode: 'settled' }));
    const plainRight = examples(300).filter(
      ({ vector, label }) => plain.predict(vector).label === label,
    ).length;
    expect(plainRight / 300).toBeLessThan(0.8);
  });

  it.each(['lda', 'ridge', 'ncm', 'knn', 'softmax'] as const)(
    'gives %s the same bits with both kernels and in any order',
    (kind) => {
      const train = (set: ExactTrainingSet) => trainHead(set, { kind, mode: 'settled' }).digest;
      const expected = train(setOf(examples(60)));
      for (const kernel of kernels) {
        const set = setOf(examples(80).toReversed(), kernel);
        for (const example of examples(80).slice(60)) set.remove(example);
        expect(train(set)).toBe(expected);
        expect(train(ExactTrainingSet.deserialize(set.serialize(), kernel))).toBe(expected);
      }
    },
  );

  it('holds half as many examples, and does not merge with a set without expansion', () => {
    const set = setOf(examples(1));
    const zeros = new Float64Array(64);
    set.statistics.restoreClass('a', maximumExpandedExamples - 1, zeros);
    expect(() =>
      set.add({ imageId: 'x', label: 'a', group: null, vector: new Int16Array(dimensions) }),
    ).toThrow(expect.objectContaining({ code: 'statistics-overflow' }));
    const flat = new ExactTrainingSet({ ...options, lift: null }, referenceKernel);
    expect(() => flat.merge(setOf(examples(1)))).toThrow(
      expect.objectContaining({ code: 'statistics-mismatch' }),
    );
  });
});
