/**
 * Ctrl-C also comes while things are still being started. What is under way is then finished, so that it can be
 * closed like everything else, and nothing more is begun.
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
