/** The HTTP interface as a whole: routes, problem documents, the OpenAPI document, and what it costs in time. */
import swagger from '@fastify/swagger';
import type { Logger, Metrics } from '@headwater/stream';
import { type FastifyInstance, fastify } from 'fastify';
import { type ActivationOptions, registerActivations } from './activation-routes.ts';
import { type ClassifyRouteOptions, registerClassify } from './classify-route.ts';
import { type MeasurementOptions, registerMeasurements } from './measurement-routes.ts';
import { type NextOptions, registerNext } from './next-route.ts';
import { answerWithProblems } from './problems.ts';
import { type ReviewOptions, registerReview } from './review-routes.ts';
import { registerTasks } from './task-routes.ts';

export interface HttpOptions
  extends ActivationOptions,
    ClassifyRouteOptions,
    MeasurementOptions,
    NextOptions,
    ReviewOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const requestTimeoutMs = 60_000;

/** A task's name may be 255 bytes, percent-encoded. */
const maxParamLength = 1_024;

/** A vector of 16,384 numbers in JSON. */
const jsonLimit = 512 * 1024;

export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    requestTimeout: requestTimeoutMs,
    bodyLimit: jsonLimit,
    routerOptions: { maxParamLength },
  });
  answerWithProblems(app, options.logger);
  measureRequests(app, options.metrics);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Headwater classify', description: 'Tasks, heads and answers.', version: '1' },
    },
    transform: ({ schema, url, route }) => ({
      schema: route.config?.requestBody ? { ...schema, body: route.config.requestBody } : schema,
      url,
    }),
  });
  await app.register(async (scope) => {
    registerTasks(scope, options.views);
    registerMeasurements(scope, options);
    registerNext(scope, options);
    registerReview(scope, options);
    registerActivations(scope, options);
    registerClassify(scope, options);
    registerIndex(scope);
  });
  return app;
}

function registerIndex(app: FastifyInstance): void {
  const index = { name: 'headwater classify', openapi: '/openapi.json', tasks: '/v1/tasks' };
  app.get('/', { schema: { hide: true } }, async () => index);
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

function measureRequests(app: FastifyInstance, metrics: Metrics): void {
  const seconds = metrics.histogram(
    'headwater_http_request_seconds',
    'Time to answer a request.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    ['service', 'method', 'route', 'status'],
  );
  app.addHook('onResponse', (request, reply, done) => {
    const labels = {
      service: 'classify',
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: String(reply.statusCode),
    };
    seconds.observe(reply.elapsedTime / 1000, labels);
    done();
  });
}
