import { type LabelledVector, sampleKey } from '@headwater/heads';
import { describe, expect, it } from 'vitest';
import { bottomKExamples } from './first-examples.ts';

async function* stream(count: number): AsyncGenerator<LabelledVector> {
  for (let i = 0; i < count; i++) {
    yield {
      imageId: `i${i}`,
      label: 'a',
      group: i % 5 === 0 ? `g${i % 7}` : null,
      vector: new Int16Array(1),
    };
  }
}

describe('the first examples', () => {
  it.each([
    [10, 100],
    [20_000, 300],
  ])('of %i, at most %i, are those with the smallest keys, ascending', async (count, most) => {
    const all: Buffer[] = [];
    for await (const example of stream(count)) all.push(Buffer.from(sampleKey(example)));
    const expected = all.sort(Buffer.compare).slice(0, most);
    const first = await bottomKExamples(stream(count), most);
    expect(first.map((example) => Buffer.from(sampleKey(example)))).toEqual(expected);
  });
});
