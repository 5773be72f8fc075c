/**
 * Which times a record may state: milliseconds since 1970 between two bounds that tell them from seconds and from microseconds. Every way in
 * asks here. A time out of these bounds would lose to all other labels, win over all of them, or break the readers of other languages.
 */

/** 3 March 1973. Seconds since 1970 are below it until the year 5138. */
export const earliestTime = 100_000_000_000;
/** 20 November 2286. Microseconds since 1970 are beyond it from 1970 on, but for the first four months. */
export const latestTime = 9_999_999_999_999;

export const timeRule = 'Milliseconds since 1970 (UTC), from 3 March 1973 to 20 November 2286.';

/** Why a value is no time of a record, as a clause; undefined where it is one. `noun` names the field. */
export function timeProblem(value: unknown, noun: string): string | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    return `${noun} must be whole milliseconds since 1970`;
  }
  if (value >= earliestTime && value <= latestTime) return undefined;
  return `${noun} must be milliseconds since 1970, and ${value} is not: ${guess(value)}`;
}

function guess(value: number): string {
  if (value < 0) return 'it is negative';
  if (value < 1_000_000_000) return 'it lies too close to 1970';
  if (value < earliestTime) return 'it may be in seconds';
  return value < 100_000_000_000_000_000 ? 'it may be in microseconds' : 'it may be in nanoseconds';
}
