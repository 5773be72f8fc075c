/**
 * Time limits for store calls: an unreachable file system may hang without an error. A late call fails with
 * blob-store-unavailable, which is retried.
 */
import type { BlobStore } from './api.ts';
import { checkClaim, unavailable } from './verified-bytes.ts';

interface Bounds {
  /** Time limit of a call, including its retries. */
  readonly timeoutMs: number;
  /** Largest blob. */
  readonly maxBytes: number;
}

/** Adds limits to a store; `get` rejects references to larger blobs. Errors: those of the store, limit-exceeded. */
export function withBounds(store: BlobStore, { timeoutMs, maxBytes }: Bounds): BlobStore {
  const { sweep, list } = store;
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
    ...(list === undefined ? {} : { list }),
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
