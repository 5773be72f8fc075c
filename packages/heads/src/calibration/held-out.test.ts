import { describe, expect, it } from 'vitest';
import { holdOut } from './held-out.ts';

const alone = (count: number) => Array.from({ length: count }, () => null);
const labelsOf = (count: number) => Int32Array.from({ length: count }, (_, i) => i % 3);

describe('holdOut', () => {
  it.each([
    [100, 10],
    [1_900, 6],
    [2_000, 3],
    [3_000, 2],
    [20_000, 1],
    [60_000, 1],
  ])('splits %i examples into the expected number of folds', (count, folds) => {
    const held = holdOut(alone(count), labelsOf(count), 3);
    expect(held).toHaveLength(folds);
    const all = held.flat();
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThanOrEqual(Math.min(count, 1_000));
    for (const fold of held) {
      expect(fold.length).toBeLessThanOrEqual(4_001);
      const counts = [0, 1, 2].map((label) => fold.filter((index) => index % 3 === label).length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  it('keeps a group in one fold', () => {
    const groups = Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? `g${i % 14}` : null));
    const held = holdOut(groups, labelsOf(300), 3);
    for (let group = 0; group < 14; group += 2) {
      const homes = held.filter((fold) => fold.some((index) => groups[index] === `g${group}`));
      expect(homes).toHaveLength(1);
    }
  });

  it('leaves the examples of a rare class for training, where one fold is enough', () => {
    const labels = labelsOf(20_000);
    labels.fill(0);
    labels.set([1, 1, 1], 500);
    expect(holdOut(alone(20_000), labels, 2).flat()).not.toContain(501);
  });
});
