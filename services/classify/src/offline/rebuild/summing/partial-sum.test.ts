import {
  createTrainingSet,
  deserializeTrainingSet,
  type LabelledVector,
  quantize,
  trainHead,
} from '@headwater/heads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumExamples } from './parallel-sum.ts';
import { mergePartialSums, Share } from './partial-sum.ts';

const dimensions = 4;
const options = { extractor: 'four.v1', task: 'digit', dimensions };

function exampleOf(index: number, seed: number): LabelledVector {
  const numbers = Array.from({ length: dimensions }, (_, at) => Math.sin(seed + index * 1.7 + at * 2.3));
  return {
    imageId: `image-${index}`,
    label: `class-${index % 3}`,
    group: index % 5 === 0 ? `group-${index % 7}` : null,
    vector: quantize(Float32Array.from(numbers)),
  };
}

function wholeOf(examples: readonly LabelledVector[]) {
  const set = createTrainingSet(options);
  for (const example of examples) set.add(example);
  return set;
}

const bytesOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('partial sums of a training set', () => {
  it('merge to the same bytes and the same head, however examples were distributed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.nat(1000), { minLength: 60, maxLength: 60 }),
        fc.nat(1000),
        (count, workers, dealt, seed) => {
          const examples = Array.from({ length: count }, (_, index) => exampleOf(index, seed));
          const shares = Array.from({ length: workers }, () => new Share(options));
          for (const [index, example] of examples.entries()) {
            shares[(dealt[index] ?? 0) % workers]?.add([example]);
          }
          const merged = mergePartialSums(options, shares.map((share) => share.finish()).reverse());
          const whole = wholeOf(examples);
          expect(bytesOf(merged.serialize())).toBe(bytesOf(whole.serialize()));
          const head = (set: typeof whole) => trainHead(set, { kind: 'lda', mode: 'settled' }).digest;
          expect(head(deserializeTrainingSet(merged.serialize()))).toBe(head(whole));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('keep a complete sample where the set is larger than the sample', () => {
    const examples = Array.from({ length: 9_000 }, (_, index) => exampleOf(index, 3));
    const shares = [0, 1, 2].map((worker) => {
      const share = new Share(options);
      share.add(examples.filter((_, index) => (index % 7) % 3 === worker));
      return share.finish();
    });
    const merged = mergePartialSums(options, shares);
    expect(merged.needsRefill).toBe(false);
    expect(bytesOf(merged.serialize())).toBe(bytesOf(wholeOf(examples).serialize()));
  });

  it('are rejected where they overlap', () => {
    const share = new Share(options);
    share.add([exampleOf(1, 1)]);
    const bytes = share.finish();
    expect(() => mergePartialSums(options, [bytes, bytes])).toThrow(
      expect.objectContaining({ code: 'statistics-mismatch' }),
    );
  });
});

describe('summing threads', () => {
  async function* stream(examples: readonly LabelledVector[]): AsyncGenerator<LabelledVector> {
    yield* examples;
  }

  it('give the same set as one thread', async () => {
    const examples = Array.from({ length: 3_000 }, (_, index) => exampleOf(index, 9));
    const whole = bytesOf(wholeOf(examples).serialize());
    for (const workers of [1, 3]) {
      const set = await sumExamples(stream(examples), { set: options, workers });
      expect(bytesOf(set.serialize())).toBe(whole);
    }
  });

  it('report an error of one of them, and end', async () => {
    const wrong = { ...exampleOf(1, 1), vector: new Int16Array(3) };
    const summing = sumExamples(stream([exampleOf(0, 1), wrong]), { set: options, workers: 2 });
    await expect(summing).rejects.toMatchObject({ code: 'statistics-mismatch' });
  });

  it('end when they are aborted', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    const summing = sumExamples(stream([exampleOf(0, 1)]), { set: options, workers: 2, signal: aborted });
    await expect(summing).rejects.toThrow('enough');
  });
});
