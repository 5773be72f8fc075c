import { describe, expect, it } from 'vitest';
import { decide } from './decision.ts';

const classes = ['good', 'defect', 'constructor'];
const prediction = { probabilities: Float64Array.of(0.8, 0.15, 0.05) };

describe('decide', () => {
  it('chooses the most probable class where all mistakes cost the same', () => {
    const { label, expectedCost, confidence } = decide(prediction, classes);
    expect(label).toBe('good');
    expect(expectedCost).toBeCloseTo(0.2, 12);
    expect(confidence).toBe(0.8);
  });

  it('chooses the class with the lower expected cost where costs differ', () => {
    const { label, expectedCost } = decide(prediction, classes, { costs: { defect: { good: 10 } } });
    expect(label).toBe('defect');
    expect(expectedCost).toBeCloseTo(0.85, 12);
  });

  it('abstains below the requested confidence', () => {
    expect(decide(prediction, classes, { abstainBelow: 0.81 }).label).toBeNull();
    expect(decide(prediction, classes, { abstainBelow: 0.8 }).label).toBe('good');
  });

  it('chooses the first class of equal cost', () => {
    expect(decide({ probabilities: Float64Array.of(0.4, 0.4, 0.2) }, classes).label).toBe('good');
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('rejects a cost of %d', (cost) => {
    expect(() => decide(prediction, classes, { costs: { good: { defect: cost } } })).toThrow(
      expect.objectContaining({ code: 'request-invalid' }),
    );
  });
});
