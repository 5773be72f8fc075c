import { describe, expect, it } from 'vitest';
import { marginOf, type ReviewCandidate, rankForReview } from './review-queue.ts';

function candidate(imageId: string, probabilities: number[], novelty: number | null = null): ReviewCandidate {
  return { imageId, probabilities: Float64Array.from(probabilities), novelty };
}

const sure = candidate('sure', [0.02, 0.96, 0.02]);
const torn = candidate('torn', [0.45, 0.1, 0.45]);
const leaning = candidate('leaning', [0.6, 0.3, 0.1]);

describe('rankForReview', () => {
  it('ranks undecided images first', () => {
    const order = rankForReview([sure, leaning, torn], 3).map(({ imageId }) => imageId);
    expect(order).toEqual(['torn', 'leaning', 'sure']);
  });

  it('ranks novel images high regardless of confidence', () => {
    const strange = candidate('strange', [0.001, 0.999, 0], 0.98);
    const [first, second] = rankForReview([leaning, strange, sure], 2);
    expect(first).toMatchObject({ imageId: 'strange', priority: expect.closeTo(0.8, 12) });
    expect(second).toMatchObject({ imageId: 'leaning', margin: expect.closeTo(0.3, 12) });
  });

  it('ignores ordinary novelty', () => {
    const [with89] = rankForReview([candidate('a', [0.9, 0.1], 0.89)], 1);
    expect(with89?.priority).toBeCloseTo(0.2, 12);
  });

  it('orders ties by image id, in any order of arrival', () => {
    const tied = ['c', 'a', 'b'].map((id) => candidate(id, [0.5, 0.5]));
    expect(rankForReview(tied, 2).map(({ imageId }) => imageId)).toEqual(['a', 'b']);
    expect(rankForReview([...tied].reverse(), 2).map(({ imageId }) => imageId)).toEqual(['a', 'b']);
  });
});

describe('marginOf', () => {
  it.each([
    [[0.2, 0.5, 0.3], 0.2],
    [[0.5, 0.5], 0],
    [[1], 1],
    [[0, 1], 1],
  ])('is %2$f for %1$j', (probabilities, margin) => {
    expect(marginOf(Float64Array.from(probabilities))).toBeCloseTo(margin, 12);
  });
});
