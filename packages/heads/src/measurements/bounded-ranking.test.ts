import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedRanking } from './bounded-ranking.ts';

describe('BoundedRanking', () => {
  it('keeps the first entries of a full sort, in any order of arrival', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.nat({ max: 20 }), (values, limit) => {
        const ranking = new BoundedRanking<number>(limit, (a, b) => a - b);
        for (const value of values) ranking.add(value);
        expect(ranking.list()).toEqual([...values].sort((a, b) => a - b).slice(0, limit));
      }),
      { numRuns: 300 },
    );
  });
});
