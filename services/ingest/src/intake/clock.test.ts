import { describe, expect, it } from 'vitest';
import { createClock, readTime } from './clock.ts';

describe('the clock', () => {
  it('never gives one key the same time twice, nor an earlier one', () => {
    const times = [1_000, 1_000, 999, 1_000, 2_000];
    const clock = createClock(10, () => times.shift() ?? 0);
    expect([1, 2, 3, 4, 5].map(() => clock.next('a'))).toEqual([1_000, 1_001, 1_002, 1_003, 2_000]);
  });

  it('goes on from a last time that is a little ahead, and from now where the clock was set back further', () => {
    const minute = 60_000;
    const times = [0, 4 * minute, minute, 2 * minute, 60 * minute, 3 * minute, 3 * minute].map(
      (time) => 1e12 + time,
    );
    const clock = createClock(10, () => times.shift() ?? 0);
    const given = Array.from({ length: 7 }, () => clock.next('a') - 1e12);
    const ahead = 4 * minute;
    expect(given).toEqual([0, ahead, ahead + 1, ahead + 2, 60 * minute, 3 * minute, 3 * minute + 1]);
  });

  it('keeps the keys apart, and forgets the oldest', () => {
    const clock = createClock(2, () => 5);
    expect(['a', 'b', 'a', 'c', 'a', 'b'].map((key) => clock.next(key))).toEqual([5, 5, 6, 5, 7, 5]);
  });
});

describe('times that clients give', () => {
  const today = Date.UTC(2026, 10, 29);
  const now = () => today;
  const read = (given: unknown) => readTime(given, 60_000, 'assignedAt', now);

  it.each([
    [today, today],
    [String(today), today],
    ['2026-11-28T00:00:01Z', today - 86_399_000],
    ['2026-11-28T01:00:01.5+01:00', today - 86_398_500],
    [today + 60_000, today + 60_000],
  ])('accepts %j', (given, time) => {
    expect(read(given)).toBe(time);
  });

  it.each([
    [today + 60_001, 'in the future'],
    ['2199-01-01T00:00:00Z', 'in the future'],
    [-1, 'negative'],
    ['-1', 'negative'],
    [0, 'milliseconds since 1970'],
    ['1970-01-01T00:00:01Z', 'milliseconds since 1970'],
    [today / 1_000, 'seconds'],
    [String(today / 1_000), 'seconds'],
    [today * 1_000, 'microseconds'],
    [1.5, 'milliseconds since 1970'],
    ['yesterday', 'ISO 8601'],
    ['2026-01-31', 'ISO 8601'],
    ['2026-01-31T12:00:00', 'ISO 8601 with a zone'],
    [null, 'milliseconds since 1970'],
    [{}, 'milliseconds since 1970'],
    [true, 'milliseconds since 1970'],
  ])('refuses %j and says why', (given, reason) => {
    expect(() => read(given)).toThrow(
      expect.objectContaining({ code: 'request-invalid', message: expect.stringContaining(reason) }),
    );
  });
});
