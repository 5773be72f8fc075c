/** Lets long work yield to the event loop at intervals, so that heartbeats and requests are not delayed. */
import { setImmediate } from 'node:timers/promises';

const workMs = 20;

export class EventLoopBudget {
  #since = performance.now();

  /** Yields when the last time is long ago. Throws the reason of the signal when it is aborted. */
  async yieldIfDue(signal?: AbortSignal): Promise<void> {
    if (performance.now() - this.#since < workMs) return;
    await setImmediate();
    signal?.throwIfAborted();
    this.#since = performance.now();
  }
}
