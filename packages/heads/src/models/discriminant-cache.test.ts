import { describe, expect, it } from 'vitest';
import type { TrainOptions } from '../api.ts';
import { referenceKernel } from '../kernel/reference-kernel.ts';
import { quantize } from '../numerics/quantization.ts';
import { ExactTrainingSet } from '../training-set/training-set.ts';
import { DiscriminantCache } from './discriminant-cache.ts';
import { trainHead } from './head.ts';
import type { TrainedHead } from './head-family.ts';

function setOf(examples: number): ExactTrainingSet {
  const set = new ExactTrainingSet({ extractor: 'net.v1', task: 'kind', dimensions: 4 }, referenceKernel);
  for (let i = 0; i < examples; i++) {
    const values = Float32Array.from(
      { length: 4 },
      (_, j) => (i % 3 === j ? 1 : 0.2) + ((i * 7 + j) % 11) / 9,
    );
    set.add({ imageId: `${i}`, label: `c${i % 3}`, group: null, vector: quantize(values) });
  }
  return set;
}

const head = (bytes: number): TrainedHead => {
  return { parameters: new Uint8Array(bytes), regularization: null, temperature: 1, measurements: {} };
};

describe('DiscriminantCache', () => {
  it('changes no bit, in any order of kinds', () => {
    const set = setOf(60);
    const orders = [['lda', 'softmax'] as const, ['softmax', 'lda'] as const, ['lda', 'lda'] as const];
    for (const mode of ['settled', 'provisional'] as const) {
      for (const kinds of orders) {
        const memory = new DiscriminantCache();
        for (const kind of kinds) {
          expect(trainHead(set, { kind, mode }, undefined, memory)).toEqual(trainHead(set, { kind, mode }));
        }
      }
    }
  });

  it('serves only the same set and options, and keeps only the newest entry', () => {
    const memory = new DiscriminantCache();
    const [set, other] = [setOf(12), setOf(13)];
    const options: TrainOptions = { kind: 'softmax', mode: 'settled' };
    const first = memory.discriminantOf(set, options, () => head(1));
    expect(memory.discriminantOf(set, { ...options, kind: 'lda' }, () => head(1))).toBe(first);
    for (const [of, by] of [
      [other, options],
      [set, { ...options, mode: 'provisional' }],
      [set, { ...options, prior: 'empirical' }],
      [set, options],
    ] as const) {
      expect(memory.discriminantOf(of, by, () => head(1))).not.toBe(first);
    }
  });

  it('does not keep a large discriminant', () => {
    const memory = new DiscriminantCache();
    const solve = () =>
      memory.discriminantOf(setOf(12), { kind: 'lda', mode: 'settled' }, () => head(2 ** 24 + 1));
    const first = solve();
    expect(solve() === first).toBe(false);
  });
});
