import { describe, expect, it } from 'vitest';
import type { LabelledVector } from '../api.ts';
import { trainHead } from '../models/head.ts';
import { quantize } from '../numerics/quantization.ts';
import { createTrainingSet } from '../training-set/training-set.ts';
import { rankLabelErrors } from './label-errors.ts';

const dimensions = 12;
const names = ['ant', 'bee', 'cow'];

function seededUniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Three clouds around three axes; example i is of class i mod 3. */
function drawExamples(count: number, seed: number): LabelledVector[] {
  const next = seededUniform(seed);
  return Array.from({ length: count }, (_, index) => {
    const vector = Float32Array.from({ length: dimensions }, (_, i) => {
      return (i === index % 3 ? 1 : 0) + 0.5 * (next() + next() + next() - 1.5);
    });
    return {
      imageId: `image-${index}`,
      label: names[index % 3] ?? '',
      group: null,
      vector: quantize(vector),
    };
  });
}

function setOf(examples: readonly LabelledVector[]) {
  const set = createTrainingSet({ extractor: 'test.v1', task: 'animal', dimensions });
  for (const example of examples) set.add(example);
  return set;
}

/** Every twentieth example has the label of the next class. */
function withMistakes(examples: readonly LabelledVector[]): LabelledVector[] {
  return examples.map((example, index) => {
    return index % 20 === 0 ? { ...example, label: names[(index + 1) % 3] ?? '' } : example;
  });
}

describe('rankLabelErrors', () => {
  const truth = drawExamples(240, 3);
  const examples = withMistakes(truth);
  const flipped = examples.filter((_, index) => index % 20 === 0).map(({ imageId }) => imageId);

  it('lists wrong labels first, with the right ones as suggestions', () => {
    const suspects = rankLabelErrors(setOf(examples), examples, { limit: flipped.length });
    expect(suspects.map(({ imageId }) => imageId).sort()).toEqual([...flipped].sort());
    for (const { imageId, suggestion, margin } of suspects) {
      expect(suggestion).toBe(truth.find((example) => example.imageId === imageId)?.label);
      expect(margin).toBeLessThan(0);
    }
  });

  it('takes regularization and temperature from the given head', () => {
    const set = setOf(examples);
    const head = trainHead(set, { kind: 'lda', mode: 'settled' });
    const suspects = rankLabelErrors(set, examples, { limit: 240, head });
    expect(
      suspects
        .slice(0, flipped.length)
        .map(({ imageId }) => imageId)
        .sort(),
    ).toEqual([...flipped].sort());
    expect(suspects).toHaveLength(240);
  });

  it('gives the same ranking for any order and batching of examples', () => {
    const many = withMistakes(drawExamples(1300, 5));
    const set = setOf(many);
    const forwards = rankLabelErrors(set, many, { limit: 30 });
    const backwards = rankLabelErrors(set, [...many].reverse(), { limit: 30 });
    expect(backwards.map(({ imageId }) => imageId)).toEqual(forwards.map(({ imageId }) => imageId));
    for (const [index, { margin }] of backwards.entries()) {
      expect(margin).toBeCloseTo(forwards[index]?.margin ?? Number.NaN, 8);
    }
  });

  it('detects a wrong label despite near-duplicates with the same label', () => {
    const [wrong] = examples;
    if (wrong === undefined) throw new RangeError('the first example is missing');
    const duplicates = ['a', 'b', 'c', 'd'].map((name) => {
      return { ...wrong, imageId: `twin-${name}`, group: 'burst' };
    });
    const all = [...duplicates, ...truth.slice(1)];
    const suspects = rankLabelErrors(setOf(all), all, { limit: 4 });
    expect(suspects.map(({ imageId }) => imageId)).toEqual(duplicates.map(({ imageId }) => imageId));
  });

  it('ignores the only example of a class and a set with one class', () => {
    const lonely = { ...drawExamples(1, 9)[0], imageId: 'lonely', label: 'dodo' } as LabelledVector;
    const all = [...truth, lonely];
    const suspects = rankLabelErrors(setOf(all), all, { limit: 1000 });
    expect(suspects.map(({ imageId }) => imageId)).not.toContain('lonely');
    expect(suspects).toHaveLength(truth.length);
    const ants = truth.filter(({ label }) => label === 'ant');
    expect(rankLabelErrors(setOf(ants), ants)).toEqual([]);
  });

  it('rejects an empty set', () => {
    expect(() => rankLabelErrors(setOf([]), [])).toThrow(expect.objectContaining({ code: 'head-not-ready' }));
  });
});
