/**
 * The rule for times of records: milliseconds since 1970 within bounds that exclude seconds and microseconds. All
 * inputs use it. A time outside these bounds would lose to or win over all other labels, or break other clients.
 */

/** 3 March 1973. Seconds since 1970 are below it until the year 5138. */
export const earliestTime = 100_000_000_000;
/** 20 November 2286. Microseconds since 1970 are above it from May 1970 on. */
export const latestTime = 9_999_999_999_999;

export const timeRule = 'Milliseconds since 1970 (UTC), from 3 March 1973 to 20 November 2286.';

/** Why a value is not a time of a record, as a clause; undefined for a valid time. `noun` names the field. */
export function timeProblem(value: unknown, noun: string): string | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    return `${noun} must be whole milliseconds since 1970`;
  }
  if (value >= earliestTime && value <= latestTime) return undefined;
  return `${noun} must be milliseconds since 1970, and ${value} is not: ${guess(value)}`;
}

function guess(value: number): string {
  if (value < 0) return 'it is negative';
  if (value < 1_000_000_000) return 'it is too close to 1970';
  if (value < earliestTime) return 'it may be in seconds';
  return value < 100_000_000_000_000_000 ? 'it may be in microseconds' : 'it may be in nanoseconds';
}
