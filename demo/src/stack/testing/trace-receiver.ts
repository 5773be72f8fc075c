/** Receives traces as a collector does: OTLP over HTTP, as JSON. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for a root. */
  readonly parent: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Trace ids. */
  readonly links: readonly string[];
  readonly isError: boolean;
}

export interface TraceReceiver extends AsyncDisposable {
  /** Value of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Headers of the requests. */
  readonly requests: readonly Readonly<Record<string, unknown>>[];
}

const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly Attribute[];
  readonly links?: readonly { readonly traceId: string }[];
  readonly status: { readonly code?: number };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

export async function startTraceReceiver(): Promise<TraceReceiver> {
  const spans: ReceivedSpan[] = [];
  const requests: Readonly<Record<string, unknown>>[] = [];
  const server = createServer(async (request, response) => {
    requests.push({ ...request.headers, method: request.method, url: request.url });
    spans.push(...spansIn((await json(request)) as Export));
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function spansIn({ resourceSpans }: Export): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(plain(resource.attributes)['service.name']);
    return scopeSpans.flatMap((scope) => scope.spans.map((span) => received(service, span)));
  });
}

function received(service: string, span: OtlpSpan): ReceivedSpan {
  return {
    service,
    name: span.name,
    kind: kinds[span.kind] ?? 'internal',
    traceId: span.traceId,
    spanId: span.spanId,
    parent: span.parentSpanId || undefined,
    attributes: plain(span.attributes),
    links: (span.links ?? []).map(({ traceId }) => traceId),
    isError: span.status.code === 2,
  };
}

/** A value is an object with one field, e.g. `stringValue`. */
function plain(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/** The names of spans from the root down to the one that is named, with their services. */
export function pathTo(spans: readonly ReceivedSpan[], last: ReceivedSpan): string[] {
  const parent = spans.find(({ spanId }) => spanId === last.parent);
  return [...(parent === undefined ? [] : pathTo(spans, parent)), `${last.service}: ${last.name}`];
}
