/**
 * A store that hangs must not hang its caller: a file system that is away answers nothing, not even an error. Every
 * call has its time; who is late gets blob-store-unavailable, which is tried again.
 */
import type { BlobStore } from './api.ts';
import { checkClaim, unavailable } from './verified-bytes.ts';

export interface Bounds {
  /** Of a whole call, its own retries included. */
  readonly timeoutMs: number;
  /** Of one blob. */
  readonly maxBytes: number;
}

/** The same store; `get` refuses what claims to be larger. Errors: those of the store, limit-exceeded. */
export function withBounds(store: BlobStore, { timeoutMs, maxBytes }: Bounds): BlobStore {
  const { sweep } = store;
  return {
    kind: store.kind,
    put: (bytes, options) => inTime('write', timeoutMs, () => store.put(bytes, options)),
    get: (blob, signal) =>
      inTime(
        'read',
        timeoutMs,
        async (late) => {
          checkClaim(blob, maxBytes);
          return store.get(blob, late);
        },
        signal,
      ),
    delete: (uri) => inTime('delete', timeoutMs, () => store.delete(uri)),
    deleteOwned: (owner, before) => inTime('delete', timeoutMs, () => store.deleteOwned(owner, before)),
    ...(sweep === undefined ? {} : { sweep }),
  };
}

async function inTime<T>(
  action: string,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  signal?.throwIfAborted();
  const end = new AbortController();
  const late = unavailable(action, `it took longer than ${timeoutMs} ms`);
  const stop = () => end.abort(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => end.abort(late), timeoutMs);
  const stopped = new Promise<never>((_, reject) => {
    end.signal.addEventListener('abort', () => reject(end.signal.reason), { once: true });
  });
  stopped.catch(() => undefined);
  const working = work(end.signal);
  working.catch(() => undefined);
  try {
    return await Promise.race([working, stopped]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
