/**
 * Shares of the grace period of a stop. Each component abandons uncommitted work at the end of its share, so that the
 * process ends in time; the log still has the records.
 */

/** Time limits in milliseconds. */
export interface StopBudget {
  readonly service: number;
  readonly log: number;
  /** For the export of the last spans. */
  readonly tracing: number;
  readonly admin: number;
}

/** `graceMs` is STOP_GRACE; its remaining 5 % allow for late timers on a busy machine. */
export function stopBudget(graceMs: number): StopBudget {
  return { service: 0.75 * graceMs, log: 0.1 * graceMs, tracing: 0.05 * graceMs, admin: 0.05 * graceMs };
}
