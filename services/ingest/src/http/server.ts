/** The HTTP interface as a whole: routes, problem documents, the OpenAPI document, and what it costs in time. */
import swagger from '@fastify/swagger';
import type { SchemaIds } from '@headwater/schemas';
import type { Logger, Metrics } from '@headwater/stream';
import { type FastifyInstance, fastify } from 'fastify';
import { type BulkLabelOptions, registerBulkLabels } from './bulk-labels.ts';
import { type ImageStatusOptions, registerImageStatus } from './image-status.ts';
import { type ImageRouteOptions, registerImages } from './images.ts';
import { type LabelRouteOptions, registerLabels } from './label-routes.ts';
import { answerBrokenRequest, answerFrameworkError, answerWithProblems } from './problems.ts';
import { registerSchemas } from './schema-routes.ts';

export interface HttpOptions
  extends ImageRouteOptions,
    ImageStatusOptions,
    LabelRouteOptions,
    BulkLabelOptions {
  readonly schemaIds: SchemaIds;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the OpenAPI document says about a body that the framework does not parse. */
    readonly requestBody?: object;
  }
}

/** Longer than any body may take by our own limits; ends connections that have been answered and still send. */
const REQUEST_TIMEOUT_MS = 3_600_000;

export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerBrokenRequest,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: 1_024 },
    ajv: { customOptions: { removeAdditional: false, allowUnionTypes: true } },
  });
  answerWithProblems(app, options.logger);
  measureRequests(app, options.metrics);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Headwater ingest',
        description: 'Images and labels on their way into the log.',
        version: '1',
      },
    },
    transform: ({ schema, url, route }) => ({
      schema: route.config?.requestBody ? { ...schema, body: route.config.requestBody } : schema,
      url,
    }),
  });
  await app.register(async (scope) => {
    registerImages(scope, options);
    registerImageStatus(scope, options);
    registerLabels(scope, options);
    registerBulkLabels(scope, options);
    registerSchemas(scope, options.schemaIds);
    registerIndex(scope);
  });
  return app;
}

function registerIndex(app: FastifyInstance): void {
  const index = {
    name: 'headwater ingest',
    openapi: '/openapi.json',
    images: '/v1/images',
    labels: '/v1/labels',
    schemas: '/schemas/ids/{id}',
  };
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
      service: 'ingest',
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: String(reply.statusCode),
    };
    seconds.observe(reply.elapsedTime / 1000, labels);
    done();
  });
}
