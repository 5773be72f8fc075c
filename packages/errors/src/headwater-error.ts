/**
 * Every failure in Headwater is answered in one of three ways, and nowhere else is that decided: the
 * verdict travels with the error from where the cause is known to where the record is handled.
 */

import { type ErrorCode, errorCodes } from './codes.ts';
import type { Verdict } from './verdict.ts';

export interface HeadwaterErrorOptions {
  readonly cause?: unknown;
  /** Overrides the verdict that the code has in the table. */
  readonly verdict?: Verdict;
  /** Fields for the log line and for the problem document; never payloads, never secrets. */
  readonly context?: Readonly<Record<string, string | number | boolean | null>>;
}

/** An error with a stable code, a message that says what to do, and a verdict. */
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

/** Wraps whatever was thrown; what is unknown gets `unexpected`, whose verdict is to stop. */
export function asHeadwaterError(thrown: unknown, code: ErrorCode = 'unexpected'): HeadwaterError {
  if (thrown instanceof HeadwaterError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new HeadwaterError(code, message, { cause: thrown });
}
