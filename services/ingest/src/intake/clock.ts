/**
 * A clock that is strictly monotonic for each key: labels are ordered by their time, and predictions are matched to
 * their request by it.
 */
import { HeadwaterError } from '@headwater/errors';
import { timeProblem } from '@headwater/schemas';

export interface Clock {
  /** Now, in milliseconds since the epoch; later than the last time of this key, unless that is minutes ahead of now. */
  next(key: string): number;
}

/**
 * Later times are dead letters in classify, whose default limit this is. So far ahead is a last time only after a clock
 * that was wrong was set back: what follows must not be lost with it.
 */
const maxAheadMs = 300_000;

/** Remembers the last time of the `capacity` most recent keys. */
export function createClock(capacity = 10_000, now: () => number = Date.now): Clock {
  const last = new Map<string, number>();
  return {
    next(key) {
      const time = nextTime(now(), last.get(key));
      last.delete(key);
      last.set(key, time);
      if (last.size > capacity) {
        const oldest = last.keys().next();
        if (!oldest.done) last.delete(oldest.value);
      }
      return time;
    },
  };
}

function nextTime(now: number, before: number | undefined): number {
  if (before === undefined || before >= now + maxAheadMs) return now;
  return Math.max(now, before + 1);
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Parses a time from a client: whole milliseconds since 1970, or ISO 8601 with a zone. `noun` names it in errors.
 * Errors: request-invalid where it is neither, out of the range of record times, or more than `maxSkewMs` ahead of
 * the clock.
 */
export function readTime(
  value: unknown,
  maxSkewMs: number,
  noun = 'assignedAt',
  now: () => number = Date.now,
): number {
  const time = parseTime(value);
  if (Number.isNaN(time)) {
    throw invalid(
      `${noun} must be whole milliseconds since 1970, or ISO 8601 with a zone (2026-01-31T12:00:00Z)`,
    );
  }
  const problem = timeProblem(time, noun);
  if (problem !== undefined) throw invalid(problem);
  if (time > now() + maxSkewMs) throw invalid(`${noun} is in the future`, { maxSkewMs });
  return time;
}

function invalid(message: string, context: Readonly<Record<string, number>> = {}): HeadwaterError {
  return new HeadwaterError('request-invalid', message, { context });
}

/** NaN where the value is no time. */
function parseTime(value: unknown): number {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number.NaN;
  if (typeof value !== 'string') return Number.NaN;
  if (/^-?\d{1,16}$/.test(value)) return Number(value);
  return ISO_TIME.test(value) ? Date.parse(value) : Number.NaN;
}
