/** Waiting between attempts: longer each time, never in step with others, and over at once when aborted. */
import { setMaxListeners } from 'node:events';

/** A signal that never aborts, for waits that nothing cuts short. */
export const never: AbortSignal = new AbortController().signal;
// Whatever waits at the same time listens to it, and leaves with its wait.
setMaxListeners(0, never);

const firstMs = 50;
const longestMs = 5_000;

/** Milliseconds before attempt `attempt` (0 is the first repetition), spread by half. */
export function backoffMs(attempt: number): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 16));
  return full / 2 + (Math.random() * full) / 2;
}

/** Waits for `work`, but not longer than `ms`. Errors: those of `work` that come in time. */
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
