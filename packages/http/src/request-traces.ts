/** A span for each request; its handler runs in the trace of it. */
import type { RequestSpan, Tracing } from '@headwater/service-kit';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, RequestSpan>();
  app.addHook('onRequest', (request, _reply, done) => {
    const { method, url, protocol: scheme, headers, routeOptions } = request;
    const path = url.split('?', 1)[0] ?? url;
    spans.set(request, tracing.startRequest({ method, path, scheme, headers, route: routeOptions.url }));
    done();
  });
  // Not in onRequest: what parses a body may lose the context.
  app.addHook('preHandler', (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else span.run(done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    spans.get(request)?.end(reply.statusCode);
    done();
  });
}
