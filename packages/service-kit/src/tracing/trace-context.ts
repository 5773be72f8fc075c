/** Between the trace context in headers and OpenTelemetry's own. */

import type { OutgoingRecord, TraceHeaders } from '@headwater/log';
import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace,
} from '@opentelemetry/api';

/** Fields of a `traceparent`, which was validated. */
export function spanContextOf({ traceparent, tracestate }: TraceHeaders): SpanContext {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
}

/** The parent of a new span; the root where there are no headers. */
export function contextOf(headers: TraceHeaders | undefined): Context {
  return headers === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(headers));
}

export function headersOf(span: Span): TraceHeaders {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize();
  return tracestate ? { traceparent, tracestate } : { traceparent };
}

/** With the context of its span in its headers. */
export function withTrace(record: OutgoingRecord, span: Span): OutgoingRecord {
  const { traceLinks: _, ...written } = record;
  return { ...written, headers: { ...record.headers, ...headersOf(span) } };
}
