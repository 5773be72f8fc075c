import { describe, expect, it } from 'vitest';
import type { HeadMode, LabelledVector } from '../../api.ts';
import { referenceKernel } from '../../kernel/reference-kernel.ts';
import { openSimdKernel } from '../../kernel/simd-kernel.ts';
import { quantize } from '../../numerics/quantization.ts';
import { hexKey } from '../../training-set/bottom-k-sample.ts';
import { takeSnapshot } from '../../training-set/set-snapshot.ts';
import { ExactTrainingSet } from '../../training-set/training-set.ts';
import { openHead, trainHead } from '../head.ts';

const dimensions = 10;
const modes: HeadMode[] = ['provisional', 'settled'];
const simdKernel = openSimdKernel();
if (simdKernel === null) throw new Error('the engine that runs the tests has no WebAssembly SIMD');

/**
 * Classes that spread in different directions and extents, which one common covariance cannot express. Every tenth is in a
 * group.
 */
function examplesFrom(first: number, count: number): LabelledVector[] {
  let state = first + 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, (_, i) => {
    const k = i % 3;
    const wide = random() + random() + random() - 1.5;
    const entry = (_: unknown, j: number) => {
      const spread = j === k + 3 || j === 6 ? 2.5 * Math.abs(wide) : 0.5;
      return (j === k ? 0.6 : 0.3) + spread * (k + 1) * (random() - 0.3);
    };
    return {
      imageId: `image ${first + i}`,
      label: `c${k}`,
      group: i % 10 === 0 ? `scene ${Math.floor((first + i) / 40)}` : null,
      vector: quantize(Float32Array.from({ length: dimensions }, entry)),
    };
  });
}

const fresh = examplesFrom(1_000_000, 3_000);

function setOf(
  examples: readonly LabelledVector[],
  kernel = simdKernel ?? referenceKernel,
): ExactTrainingSet {
  const set = new ExactTrainingSet({ extractor: 'net.v1', task: 'kind', dimensions }, kernel);
  for (const example of examples) set.add(example);
  return set;
}

function inOrder(examples: readonly LabelledVector[]): LabelledVector[] {
  return [...examples].sort((a, b) => (hexKey(a) < hexKey(b) ? -1 : 1));
}

function lossOf(head: Parameters<typeof openHead>[0]): number {
  const classifier = openHead(head);
  const losses = fresh.map(({ vector, label }) => {
    return -Math.log(classifier.predict(vector).probabilities[classifier.classes.indexOf(label)] ?? 0);
  });
  return losses.reduce((sum, loss) => sum + loss) / losses.length;
}

describe('a softmax head', () => {
  const examples = examplesFrom(0, 1_500);
  const set = setOf(examples);

  it.each(modes)('is more accurate than the discriminant where covariances differ, %s', (mode) => {
    const head = trainHead(set, { kind: 'softmax', mode });
    const discriminant = trainHead(set, { kind: 'lda', mode });
    expect(lossOf(head)).toBeLessThan((mode === 'settled' ? 0.97 : 0.99) * lossOf(discriminant));
    expect(head.measurements.shrinkage).toBe(discriminant.regularization);
  });

  it('estimates its accuracy on unseen examples', () => {
    const head = trainHead(set, { kind: 'softmax', mode: 'settled' });
    const { measurements } = head;
    expect(Math.abs(lossOf(head) / (measurements.heldOutLogLoss ?? 0) - 1)).toBeLessThan(0.1);
    expect(measurements.heldOut).toBeGreaterThan(900);
    expect(measurements.sample).toBe(1_500);
  });

  it.each(modes)('has the same bits with both kernels, in any order, and from a snapshot, %s', (mode) => {
    const options = { kind: 'softmax', mode } as const;
    const head = trainHead(set, options);
    expect(trainHead(setOf([...examples].reverse(), referenceKernel), options)).toEqual(head);
    const more = setOf([...examplesFrom(5_000, 30), ...examples]);
    for (const gone of examplesFrom(5_000, 30)) more.remove(gone);
    expect(trainHead(takeSnapshot(more, options), options, inOrder(examples))).toEqual(head);
  });

  it('has the recorded digests on every engine', () => {
    const digests = modes.map((mode) => trainHead(set, { kind: 'softmax', mode }).digest);
    expect(digests).toMatchInlineSnapshot(`
      [
        "46386dddd034e2d3fc42b844acc6ddca1faeb23bd2cefcebf28a9b8aedd0e8d0",
        "9bf90ced69526cab804564e532818b2c7168255a6279644ca32c85ff700cc6d2",
      ]
    `);
  });

  it('trains on examples beyond the sample', () => {
    const many = examplesFrom(0, 3_000);
    const large = setOf(many);
    const options = { kind: 'softmax', mode: 'settled' } as const;
    const [all, sample] = [trainHead(large, options, inOrder(many)), trainHead(large, options)];
    expect([all.measurements.sample, sample.measurements.sample]).toEqual([3_000, 2_000]);
    expect(lossOf(all)).toBeLessThan(lossOf(sample));
  });

  it.each(modes)('has the novelty of its discriminant, %s', (mode) => {
    const [own, weightPrior] = (['softmax', 'lda'] as const).map((kind) =>
      openHead(trainHead(set, { kind, mode })),
    );
    for (const { vector } of fresh.slice(0, 50)) {
      expect(own?.predict(vector).novelty).toBe(weightPrior?.predict(vector).novelty);
      expect(own?.predict(vector).probabilities).not.toEqual(weightPrior?.predict(vector).probabilities);
    }
  });

  it('is the discriminant where all examples of a class are held out together', () => {
    const grouped = examples.slice(0, 60).map((one) => ({ ...one, group: one.label }));
    const [own, weightPrior] = (['softmax', 'lda'] as const).map((kind) =>
      trainHead(setOf(grouped), { kind, mode: 'settled' }),
    );
    expect([own?.parameters, own?.regularization]).toEqual([weightPrior?.parameters, null]);
  });

  it('uses the discriminant for a class without training examples', () => {
    const rare = examplesFrom(8_000, 40).map((one) => ({ ...one, label: 'rare', group: null }));
    const both = setOf([...examples, ...rare]);
    const head = trainHead(both, { kind: 'softmax', mode: 'settled' }, inOrder(examples));
    const { probabilities } = openHead(head).predict(fresh[0]?.vector ?? new Int16Array(dimensions));
    expect(head.classes).toContain('rare');
    expect(probabilities.reduce((sum, value) => sum + value)).toBeCloseTo(1, 12);
    for (const value of probabilities) expect(value).toBeGreaterThan(0);
  });
});
