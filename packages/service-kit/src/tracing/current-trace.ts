/** The trace of the HTTP request that the running code works for. Where tracing is off, there is never one. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type TraceHeaders, traceIdOf } from '@headwater/log';

const storage = new AsyncLocalStorage<TraceHeaders>();

const none = {};

/** Headers for records of this request; spread it into an outgoing record. */
export function currentTrace(): { readonly headers?: Readonly<Record<string, string>> } {
  const headers = storage.getStore();
  return headers === undefined ? none : { headers: { ...headers } };
}

/** Fields of log lines of this request. */
export function currentTraceFields(): { readonly traceId?: string } {
  const headers = storage.getStore();
  const traceId =
    headers && traceIdOf({ headers: { traceparent: Buffer.from(headers.traceparent, 'latin1') } });
  return traceId === undefined ? none : { traceId };
}

export function runInTrace(headers: TraceHeaders, work: () => void): void {
  storage.run(headers, work);
}
