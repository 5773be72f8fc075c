import { describe, expect, it } from 'vitest';
import { hashFraction } from './hash-fraction.ts';

const ids = Array.from({ length: 4000 }, (_, index) => `image ${index}`);

describe('hashFraction', () => {
  it('spreads ids evenly', () => {
    const chosen = ids.filter((id) => hashFraction('label', id) < 0.8).length / ids.length;
    expect(chosen).toBeGreaterThan(0.77);
    expect(chosen).toBeLessThan(0.83);
  });

  it('decides each purpose on its own', () => {
    const labelled = ids.filter((id) => hashFraction('label', id) < 0.5);
    const both = labelled.filter((id) => hashFraction('route', id) < 0.5).length / labelled.length;
    expect(both).toBeGreaterThan(0.45);
    expect(both).toBeLessThan(0.55);
  });

  it('is deterministic', () => {
    expect(ids.map((id) => hashFraction('label', id))).toEqual(ids.map((id) => hashFraction('label', id)));
  });
});
