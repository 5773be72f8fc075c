import { describe, expect, it } from 'vitest';
import { createPermutation } from './permutation.ts';

describe('createPermutation', () => {
  for (const size of [1, 2, 3, 10, 1000, 70_000]) {
    it(`visits each of ${size} places exactly once`, () => {
      const permute = createPermutation(size, 1);
      const places = new Set(Array.from({ length: size }, (_, index) => permute(index)));
      expect(places.size).toBe(size);
      expect(Math.max(...[...places].slice(0, 50_000))).toBeLessThan(size);
    });
  }

  it('is decided by the seed', () => {
    const order = (seed: number) =>
      Array.from({ length: 100 }, (_, index) => createPermutation(100, seed)(index));
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
  });

  it('mixes: neighbours do not stay neighbours', () => {
    const permute = createPermutation(70_000, 1);
    const kept = Array.from({ length: 1000 }, (_, index) => permute(index + 1) - permute(index)).filter(
      (step) => step === 1,
    );
    expect(kept.length).toBeLessThan(5);
  });
});
