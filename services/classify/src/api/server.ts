/** The HTTP server of classify: its routes on the server shared by all services, and the OpenAPI document. */
import swagger from '@fastify/swagger';
import { accessNote, createHttpServer, type HttpServerOptions, securitySchemes } from '@headwater/http';
import type { FastifyInstance } from 'fastify';
import type { LocalAnswers } from '../peers/local-answers.ts';
import { registerPeers } from '../peers/peer-routes.ts';
import { classifyAccess } from './access.ts';
import { type ActivationOptions, registerActivations } from './activation-routes.ts';
import { type ClassifyRouteOptions, longestJson, registerClassify } from './classify-route.ts';
import { type HeadReportOptions, registerHeadReport } from './head-report-route.ts';
import { type MeasurementOptions, registerMeasurements } from './measurement-routes.ts';
import { type NextOptions, registerNext } from './next-route.ts';
import { type ReviewOptions, registerReview } from './review-routes.ts';
import { registerTasks, type TaskRouteOptions } from './task-routes.ts';

export interface HttpOptions
  extends ActivationOptions,
    ClassifyRouteOptions,
    HeadReportOptions,
    MeasurementOptions,
    NextOptions,
    ReviewOptions,
    TaskRouteOptions,
    Pick<HttpServerOptions, 'config' | 'logger' | 'metrics' | 'tracing' | 'peers'> {
  readonly local: LocalAnswers;
}

const requestTimeoutMs = 60_000;

export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const app = createHttpServer({
    ...options,
    service: 'classify',
    access: classifyAccess,
    requestTimeoutMs,
    // Uploads are short: a time-out means that our own response is late.
    statuses: { 'timed-out': 503 },
    // Unknown parameters are errors, so that a misspelt one is not ignored.
    framework: { bodyLimit: longestJson, ajv: { customOptions: { removeAdditional: false } } },
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Headwater classify', description: 'Tasks, heads and predictions.', version: '1' },
      components: { securitySchemes },
    },
    transform: ({ schema, url, route }) => ({
      schema: {
        ...schema,
        ...accessNote(classifyAccess, String(route.method), url),
        ...(route.config?.requestBody ? { body: route.config.requestBody } : {}),
      },
      url,
    }),
  });
  await app.register(async (scope) => {
    registerTasks(scope, options);
    registerMeasurements(scope, options);
    registerHeadReport(scope, options);
    registerNext(scope, options);
    registerReview(scope, options);
    registerActivations(scope, options);
    registerClassify(scope, options);
    registerPeers(scope, options);
    registerIndex(scope);
  });
  return app;
}

function registerIndex(app: FastifyInstance): void {
  const index = { name: 'headwater classify', openapi: '/openapi.json', tasks: '/v1/tasks' };
  app.get('/', { schema: { hide: true } }, async () => index);
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
