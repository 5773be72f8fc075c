/**
 * Traces of images and labels, by OpenTelemetry. Nothing here imports it: where tracing is off, its packages are not
 * loaded, and no record is wrapped.
 */
import type { Log } from '@headwater/log';

export interface Tracing {
  /** The log, with a span for each record that it writes and processes; the trace context is in the records' headers. */
  traceLog(log: Log): Log;
  /** Starts the span of an HTTP request, in the trace of its `traceparent` header where that is valid. */
  startRequest(request: TracedRequest): RequestSpan;
  /** Exports what is queued, at most for `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

export interface TracedRequest {
  readonly method: string;
  /** Pattern of the route; undefined where none matches. */
  readonly route: string | undefined;
  /** Path as requested, which may name an image. */
  readonly path: string;
  readonly scheme: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface RequestSpan {
  /** Runs `work` with this span as the current trace, see `currentTrace`. */
  run(work: () => void): void;
  end(status: number): void;
}
