/**
 * The closed loop: only so many images may be on their way at once, and the next departs when one has landed,
 * with its prediction or as a dead letter. So the stream runs as fast as its slowest stage, and never ahead.
 */
import { HeadwaterError } from '@headwater/errors';

export interface InFlightLimiter<ExpectedLabel> {
  /** Resolves when there was room and the image is on its way. Errors: the signal's reason. */
  depart(id: string, cargo: ExpectedLabel, signal: AbortSignal): Promise<void>;
  /** What had departed under that id, the earliest first; undefined for images of others. */
  land(id: string): ExpectedLabel | undefined;
  readonly size: number;
  /**
   * Resolves when all have landed. Errors: timed-out, naming a few that are missing, when none landed for `patience`
   * milliseconds; the signal's reason.
   */
  settle(patience: number, signal: AbortSignal): Promise<void>;
}

export function createInFlightLimiter<ExpectedLabel>(limit: number): InFlightLimiter<ExpectedLabel> {
  const airborne = new Map<string, ExpectedLabel[]>();
  const waiting = new Set<() => void>();
  let size = 0;
  let releases = 0;

  /** Resolves at the next landing or abort, or after `patience`. */
  function nextRelease(signal: AbortSignal, patience?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = patience === undefined ? undefined : setTimeout(wake, patience);
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
    async depart(id, cargo, signal) {
      while (size >= limit && !signal.aborted) await nextRelease(signal);
      signal.throwIfAborted();
      const others = airborne.get(id);
      if (others === undefined) airborne.set(id, [cargo]);
      else others.push(cargo);
      size++;
    },
    land(id) {
      const cargos = airborne.get(id);
      const cargo = cargos?.shift();
      if (cargos === undefined || cargo === undefined) return undefined;
      if (cargos.length === 0) airborne.delete(id);
      size--;
      releases++;
      for (const wake of [...waiting]) wake();
      return cargo;
    },
    get size() {
      return size;
    },
    async settle(patience, signal) {
      while (size > 0 && !signal.aborted) {
        const before = releases;
        await nextRelease(signal, patience);
        if (releases === before && !signal.aborted) throw overdue([...airborne.keys()], patience);
      }
      signal.throwIfAborted();
    },
  };
}

function overdue(ids: readonly string[], patience: number): HeadwaterError {
  const some = ids.slice(0, 3).join(', ');
  return new HeadwaterError(
    'timed-out',
    `no prediction came for ${patience / 1000} s; ${ids.length} images still wait for theirs: ${some}${ids.length > 3 ? ', …' : ''}`,
    { verdict: 'stop', context: { waiting: ids.length } },
  );
}
