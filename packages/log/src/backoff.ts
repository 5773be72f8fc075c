/** Abortable waits, and exponential backoff with jitter. */
import { setMaxListeners } from 'node:events';

/** A signal that never aborts, for waits without a limit. */
export const never: AbortSignal = new AbortController().signal;
// Concurrent waits each add a listener, and remove it when they end.
setMaxListeners(0, never);

const firstMs = 50;
const longestMs = 5_000;

/** Milliseconds before retry `attempt` (0 is the first), with jitter between half and the full backoff. */
export function backoffMs(attempt: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 16));
  return full / 2 + (Math.random() * full) / 2;
}

/** Waits for `work`, at most `ms`. Errors: those of `work` within that time. */
export async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  const patience = new AbortController();
  await Promise.race([work, pauseFor(ms, patience.signal)]).finally(() => patience.abort());
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
