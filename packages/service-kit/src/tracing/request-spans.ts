/** Spans of HTTP requests, after OpenTelemetry's conventions for HTTP servers. */

import { traceHeadersOf } from '@headwater/log';
import { type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { RequestSpan, TracedRequest } from './api.ts';
import { runInTrace } from './current-trace.ts';
import { contextOf, headersOf } from './trace-context.ts';

/** The path names the image: `showPath` leaves it out where ids are hashed. */
export function startRequestSpan(tracer: Tracer, request: TracedRequest, showPath: boolean): RequestSpan {
  const { method, route, path, scheme } = request;
  const span = tracer.startSpan(
    route === undefined ? method : `${method} ${route}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': method,
        'url.scheme': scheme,
        ...(route === undefined ? {} : { 'http.route': route }),
        ...(showPath ? { 'url.path': path } : {}),
      },
    },
    contextOf(traceHeadersOf(headersIn(request))),
  );
  return { run: (work) => runInTrace(headersOf(span), work), end: (status) => endRequest(span, status) };
}

function endRequest(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500)
    span.setAttribute('error.type', String(status)).setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** A header that is sent twice is no header. */
function headersIn({ headers: { traceparent, tracestate } }: TracedRequest): Record<string, string> {
  return {
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
    ...(typeof tracestate === 'string' ? { tracestate } : {}),
  };
}
