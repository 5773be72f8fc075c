/**
 * How the grace period of a stop is shared among the parts of a process. Each part keeps to its share and abandons what is not
 * committed by then, so that the process ends in time; nothing is lost, since the log still has it.
 */

/** Milliseconds. */
export interface StopBudget {
  readonly service: number;
  readonly log: number;
  readonly admin: number;
}

/** `graceMs` is STOP_GRACE; the rest of it is for timers that run late on a busy machine. */
export function stopBudget(graceMs: number): StopBudget {
  return { service: 0.75 * graceMs, log: 0.15 * graceMs, admin: 0.05 * graceMs };
}
