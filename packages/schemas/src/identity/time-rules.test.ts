import { expect, it } from 'vitest';
import { earliestTime, latestTime, timeProblem } from './time-rules.ts';

const now = Date.UTC(2026, 10, 29);

it('accepts current milliseconds and both bounds', () => {
  for (const time of [now, earliestTime, latestTime]) expect(timeProblem(time, 'assignedAt')).toBeUndefined();
});

it.each([
  [now / 1_000, 'it may be in seconds'],
  [now * 1_000, 'it may be in microseconds'],
  [-1, 'it is negative'],
  [0, 'it is too close to 1970'],
  [8_640_000_000_000_000, 'it may be in microseconds'],
])('rejects %d with a hint', (time, hint) => {
  expect(timeProblem(time, 'assignedAt')).toBe(
    `assignedAt must be milliseconds since 1970, and ${time} is not: ${hint}`,
  );
});

it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, 2 ** 60])('rejects %j', (time) => {
  expect(timeProblem(time, 'receivedAt')).toBe('receivedAt must be whole milliseconds since 1970');
});
