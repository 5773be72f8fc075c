import { describe, expect, it } from 'vitest';
import { NoveltyShift, type NoveltyShiftVerdict } from './novelty-shift.ts';

/** So many labelled examples that the percentiles are practically exact. */
const many = 1e12;

function seededUniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function verdictsOf(shift: NoveltyShift, percentiles: Iterable<number>, references = many) {
  const verdicts: NoveltyShiftVerdict[] = [];
  for (const percentile of percentiles) {
    const verdict = shift.update(percentile, references);
    if (verdict !== null) verdicts.push(verdict);
  }
  return verdicts;
}

function blocks(seed: number, count: number, lean: (uniform: number) => number): number[] {
  const next = seededUniform(seed);
  return Array.from({ length: count * 200 }, () => lean(next()));
}

/** SciPy 1.17.1: `kstest(x, 'uniform', alternative='less')`, statistic and exact p-value. */
const scipy = [
  {
    values: [
      0.69, 0.13, 0.699, 0.688, 0.424, 0.549, 0.119, 0.566, 0.507, 0.441, 0.997, 0.877, 0.269, 0.903, 0.685,
      0.93, 0.932, 0.449, 0.828, 0.246,
    ],
    statistic: 0.224,
    pValue: 0.1155581681229436,
  },
  {
    values: [
      0.24, 0.402, 0.097, 0.968, 0.215, 0.672, 0.3, 0.874, 0.662, 0.132, 0.845, 0.945, 0.904, 0.57, 0.145,
      0.192, 0.928, 0.552, 0.181, 0.884,
    ],
    statistic: 0.195,
    pValue: 0.19250338926675903,
  },
];

describe('NoveltyShift', () => {
  it.each(scipy)('equals the distance of SciPy, with a p-value no smaller than the exact one', (known) => {
    const [verdict] = verdictsOf(new NoveltyShift({ block: 20 }), known.values);
    expect(verdict?.distance).toBeCloseTo(known.statistic, 12);
    expect(verdict?.pValue).toBeGreaterThanOrEqual(known.pValue);
    expect(verdict?.pValue).toBeLessThan(1.3 * known.pValue);
  });

  it('raises alarms on uniform percentiles in at most alpha of the blocks', () => {
    const alpha = 0.05;
    const verdicts = verdictsOf(
      new NoveltyShift({ alpha }),
      blocks(11, 2000, (u) => u),
    );
    const alarms = verdicts.filter(({ shifted }) => shifted).length;
    expect(verdicts).toHaveLength(2000);
    expect(alarms / 2000).toBeLessThan(alpha + 0.015);
    expect(alarms).toBeGreaterThan(0);
  });

  it('keeps to alpha where percentiles come from few examples', () => {
    let alarms = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const next = seededUniform(seed);
      const references = Array.from({ length: 100 }, next).sort((a, b) => a - b);
      const percentile = (value: number) => references.filter((other) => other <= value).length / 100;
      const values = Array.from({ length: 200 }, () => percentile(next()));
      alarms += verdictsOf(new NoveltyShift({ alpha: 0.05 }), values, 100).filter(
        (one) => one.shifted,
      ).length;
    }
    expect(alarms / 500).toBeLessThan(0.05 + 0.03);
  });

  it('detects in the first block that a third of the images are of a new kind', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const next = seededUniform(seed + 1000);
      const values = blocks(seed, 1, (u) => (next() < 1 / 3 ? 0.95 + 0.05 * u : u));
      expect(verdictsOf(new NoveltyShift(), values, 1000)).toMatchObject([{ shifted: true }]);
    }
  });

  it('raises no alarm for images that are less novel than before', () => {
    expect(
      verdictsOf(
        new NoveltyShift(),
        blocks(5, 20, (u) => u * u),
      ).some(({ shifted }) => shifted),
    ).toBe(false);
  });

  it('continues from a restored state without a difference, and starts a new block after a reset', () => {
    const values = blocks(8, 3, (u) => Math.sqrt(u));
    const whole = verdictsOf(new NoveltyShift(), values);
    const first = new NoveltyShift();
    const before = verdictsOf(first, values.slice(0, 333));
    const second = NoveltyShift.fromState(JSON.parse(JSON.stringify(first.state())));
    expect([...before, ...verdictsOf(second, values.slice(333))]).toEqual(whole);
    first.reset();
    expect(verdictsOf(first, values.slice(0, 199))).toEqual([]);
    expect(first.state().percentiles).toHaveLength(199);
  });

  it('rejects invalid options and values', () => {
    expect(() => new NoveltyShift().update(1.01, many)).toThrow(RangeError);
    expect(() => new NoveltyShift().update(Number.NaN, many)).toThrow(RangeError);
    expect(() => new NoveltyShift({ block: 3 })).toThrow(expect.objectContaining({ code: 'config-invalid' }));
  });
});
