import { describe, expect, it } from 'vitest';
import { createRateMeter } from './rate-meter.ts';

function meterAt(points: readonly (readonly [at: number, count: number])[]): number {
  let time = 0;
  const meter = createRateMeter(5000, () => time);
  for (const [at, count] of points) {
    time = at;
    meter.reach(count);
  }
  return meter.perSecond;
}

describe('a rate meter', () => {
  it('has no rate from a single point', () => {
    expect(meterAt([[0, 10]])).toBe(0);
  });

  it('divides events by time', () => {
    expect(
      meterAt([
        [0, 0],
        [1000, 100],
        [2000, 400],
      ]),
    ).toBe(200);
  });

  it('drops points that are older than its window', () => {
    const slowThenFast = Array.from({ length: 21 }, (_, second) => [
      second * 1000,
      second < 10 ? second : 10 + (second - 10) * 100,
    ]) as [number, number][];
    expect(meterAt(slowThenFast)).toBe(100);
  });

  it('falls to nothing in a pause', () => {
    expect(
      meterAt([
        [0, 0],
        [1000, 500],
        [7000, 500],
        [12_000, 500],
      ]),
    ).toBe(0);
  });
});
