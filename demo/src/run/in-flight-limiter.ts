/**
 * Limits the images in flight. An image is in flight until its prediction or its dead letter has been read, so
 * the stream runs as fast as its slowest stage.
 */
import { HeadwaterError } from '@headwater/errors';

export interface InFlightLimiter<Item> {
  /** Resolves when there is room for the image. Errors: the signal's reason. */
  acquire(id: string, item: Item, signal: AbortSignal): Promise<void>;
  /** The item acquired under that id, the earliest first; undefined for images of other producers. */
  release(id: string): Item | undefined;
  readonly size: number;
  /**
   * Resolves when all images have been released. Errors: timed-out, with a few of the missing ids, when none was
   * released for `timeoutMs`; the signal's reason.
   */
  drained(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

export function createInFlightLimiter<Item>(limit: number): InFlightLimiter<Item> {
  const inFlight = new Map<string, Item[]>();
  const waiting = new Set<() => void>();
  let size = 0;
  let releases = 0;

  /** Resolves at the next release or abort, or after `timeoutMs`. */
  function nextRelease(signal: AbortSignal, timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(wake, timeoutMs);
      function wake(): void {
        clearTimeout(timer);
        waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      }
      waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  return {
    async acquire(id, item, signal) {
      while (size >= limit && !signal.aborted) await nextRelease(signal);
      signal.throwIfAborted();
      const others = inFlight.get(id);
      if (others === undefined) inFlight.set(id, [item]);
      else others.push(item);
      size++;
    },
    release(id) {
      const items = inFlight.get(id);
      const item = items?.shift();
      if (items === undefined || item === undefined) return undefined;
      if (items.length === 0) inFlight.delete(id);
      size--;
      releases++;
      for (const wake of [...waiting]) wake();
      return item;
    },
    get size() {
      return size;
    },
    async drained(timeoutMs, signal) {
      while (size > 0 && !signal.aborted) {
        const before = releases;
        await nextRelease(signal, timeoutMs);
        if (releases === before && !signal.aborted) throw overdue([...inFlight.keys()], timeoutMs);
      }
      signal.throwIfAborted();
    },
  };
}

function overdue(ids: readonly string[], timeoutMs: number): HeadwaterError {
  const some = `${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ', …' : ''}`;
  return new HeadwaterError(
    'timed-out',
    `no prediction for ${timeoutMs / 1000} s; ${ids.length} images without one: ${some}`,
    { verdict: 'stop', context: { waiting: ids.length } },
  );
}
