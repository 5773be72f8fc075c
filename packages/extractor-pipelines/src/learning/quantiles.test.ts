import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ColumnQuantiles, placesLimit } from './quantiles.ts';

function quantilesOf(values: Iterable<number>): ColumnQuantiles {
  const quantiles = new ColumnQuantiles(1);
  for (const value of values) quantiles.add(Float32Array.of(value));
  return quantiles;
}

/** Of both signs, over six powers of ten, all different. */
function* spread(count: number): Generator<number> {
  for (let i = 0; i < count; i++) {
    const place = (i * 7919) % count;
    yield (place % 2 === 0 ? 1 : -1) * 10 ** ((6 * place) / count - 3);
  }
}

describe('quantiles', () => {
  it('are exact for few different values', () => {
    const values = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), {
      minLength: 1,
      maxLength: 600,
    });
    fc.assert(
      fc.property(values, fc.nat(8), (drawn, part) => {
        const sorted = drawn.map((value) => value + 0).sort((a, b) => a - b);
        const place = ((sorted.length - 1) * part) / 8;
        const low = sorted[Math.floor(place)] ?? 0;
        const high = sorted[Math.min(Math.floor(place) + 1, sorted.length - 1)] ?? 0;
        const wanted = low + (high - low) * (place - Math.floor(place));
        expect(quantilesOf(drawn).quantile(0, part, 8)).toBeCloseTo(wanted, 6);
      }),
      { numRuns: 50 },
    );
  });

  it('have exact ranks, and values within a few percent, in bounded memory', () => {
    const all = [...spread(40_000)];
    const quantiles = quantilesOf(all);
    const sorted = all.map(Math.fround).sort((a, b) => a - b);
    // Of 40,000 values, every 597th is one of these.
    for (let part = 0; part <= 67; part++) {
      const wanted = sorted[597 * part] ?? Number.NaN;
      expect(Math.abs(quantiles.quantile(0, part, 67) / wanted - 1)).toBeLessThan(0.02);
    }
    expect(quantiles.range(0)).toEqual([sorted[0], sorted.at(-1)]);
    const [saved] = quantiles.save();
    expect(Buffer.from(saved?.keys ?? '', 'base64').length / 4).toBeLessThanOrEqual(placesLimit);
    expect(saved?.forgotten).toBeGreaterThan(0);
  });

  it('have the same bits in any order and merged, even after a loss of precision', () => {
    const all = [...spread(6000)];
    const expected = JSON.stringify(quantilesOf(all).save());
    expect(JSON.stringify(quantilesOf([...all].reverse()).save())).toBe(expected);
    expect(JSON.stringify(quantilesOf([...all].sort((a, b) => a - b)).save())).toBe(expected);
    const few = quantilesOf(all.slice(0, 100));
    few.merge(quantilesOf(all.slice(100)));
    expect(JSON.stringify(few.save())).toBe(expected);
    const many = quantilesOf(all.slice(100));
    many.merge(quantilesOf(all.slice(0, 100)));
    expect(JSON.stringify(many.save())).toBe(expected);
    const halves = quantilesOf(all.filter((value) => value > 0));
    halves.merge(quantilesOf(all.filter((value) => value < 0)));
    expect(JSON.stringify(halves.save())).toBe(expected);
  });

  it('are NaN without values', () => {
    const quantiles = quantilesOf([Number.NaN]);
    expect(quantiles.count(0)).toBe(0);
    expect(quantiles.quantile(0, 1, 2)).toBeNaN();
  });
});
