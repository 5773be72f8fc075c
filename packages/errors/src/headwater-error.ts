/**
 * The one error type. Its verdict is set where the cause is known and applied where the record is handled.
 */
import { type ErrorCode, errorCodes } from './codes.ts';
import type { Verdict } from './verdict.ts';

export interface HeadwaterErrorOptions {
  readonly cause?: unknown;
  /** Overrides the verdict of the code's table entry. */
  readonly verdict?: Verdict;
  /** Fields for the log line and the problem document; never payloads or secrets. */
  readonly context?: Readonly<Record<string, string | number | boolean | null>>;
}

/** An error with a stable code, a message that names the remedy, and a verdict. */
export class HeadwaterError extends Error {
  override readonly name = 'HeadwaterError';
  readonly code: ErrorCode;
  readonly verdict: Verdict;
  readonly context: Readonly<Record<string, string | number | boolean | null>>;

  constructor(code: ErrorCode, message: string, options: HeadwaterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.verdict = options.verdict ?? errorCodes[code].verdict;
    this.context = options.context ?? {};
  }
}

/** Returns a HeadwaterError as it is; wraps any other value with `code`, by default `unexpected` (verdict: stop). */
export function asHeadwaterError(thrown: unknown, code: ErrorCode = 'unexpected'): HeadwaterError {
  if (thrown instanceof HeadwaterError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new HeadwaterError(code, message, { cause: thrown });
}

/** Returns an error whose verdict is `dead-letter`; throws any other, so that the partition retries or stops. */
export function asDeadLetter(thrown: unknown): HeadwaterError {
  if (thrown instanceof HeadwaterError && thrown.verdict === 'dead-letter') return thrown;
  throw thrown;
}
