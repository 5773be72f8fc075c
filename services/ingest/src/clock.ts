/**
 * Times that tell two events of one key apart. Labels are ordered by their time, and predictions are matched to
 * the request they answer by theirs, so one key never gets the same millisecond twice, nor an earlier one.
 */
import { HeadwaterError } from '@headwater/errors';

export interface Clock {
  /** Now, in milliseconds since the epoch; later than any time this key got while it is remembered. */
  next(key: string): number;
}

/** Remembers the last time of the `capacity` most recent keys. */
export function createClock(capacity = 10_000, now: () => number = Date.now): Clock {
  const last = new Map<string, number>();
  return {
    next(key) {
      const before = last.get(key);
      const time = before === undefined ? now() : Math.max(now(), before + 1);
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

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads a time that a client gave: whole milliseconds since the epoch, or ISO 8601 with a zone.
 * Errors: request-invalid where it is neither, before 1970, or more than `maxSkewMs` ahead of our clock.
 */
export function readTime(value: unknown, maxSkewMs: number, now: () => number = Date.now): number {
  const time = parseTime(value);
  if (!Number.isSafeInteger(time) || time < 0) {
    throw new HeadwaterError(
      'request-invalid',
      'a time is given in whole milliseconds since 1970, or as ISO 8601 with a zone (2026-01-31T12:00:00Z)',
    );
  }
  if (time > now() + maxSkewMs) {
    throw new HeadwaterError('request-invalid', 'the time lies in the future', { context: { maxSkewMs } });
  }
  return time;
}

function parseTime(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return Number.NaN;
  if (/^\d{1,16}$/.test(value)) return Number(value);
  return ISO_TIME.test(value) ? Date.parse(value) : Number.NaN;
}
