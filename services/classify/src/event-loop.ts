/** Long work on the event loop takes a breath now and then, so that heartbeats and requests go on in between. */
import { setImmediate } from 'node:timers/promises';

const workMs = 20;

export class EventLoopBudget {
  #since = Date.now();

  /** Lets others run when it was long ago; throws the signal's reason when the work is no longer wanted. */
  async take(signal?: AbortSignal): Promise<void> {
    if (Date.now() - this.#since < workMs) return;
    await setImmediate();
    signal?.throwIfAborted();
    this.#since = Date.now();
  }
}
