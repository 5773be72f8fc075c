/**
 * Makes a start-up interruptible: after Ctrl-C the part that is being opened is finished, so that the lifecycle
 * can close it, and no further part is opened.
 */
import type { Lifecycle } from '@headwater/service-kit';

/** Errors of `open`: the signal's reason, besides those of the lifecycle. */
export function interruptible(lifecycle: Lifecycle, signal: AbortSignal): Lifecycle {
  return {
    async open(options) {
      signal.throwIfAborted();
      const part = await lifecycle.open(options);
      signal.throwIfAborted();
      return part;
    },
    close: () => lifecycle.close(),
  };
}
