/** Response times by route pattern and status; paths would give too many series. */
import type { Metrics } from '@headwater/service-kit';
import type { FastifyInstance } from 'fastify';

export function measureRequests(app: FastifyInstance, service: string, metrics: Metrics): void {
  const seconds = metrics.histogram(
    'headwater_http_request_seconds',
    'Time to answer a request.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    ['service', 'method', 'route', 'status'],
  );
  app.addHook('onResponse', (request, reply, done) => {
    const labels = {
      service,
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: String(reply.statusCode),
    };
    seconds.observe(reply.elapsedTime / 1000, labels);
    done();
  });
}
