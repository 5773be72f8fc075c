/** The HTTP interface of ingest: its routes and the OpenAPI document. */
import swagger from '@fastify/swagger';
import { accessNote, createHttpServer, type HttpServerOptions, securitySchemes } from '@headwater/http';
import type { SchemaIds } from '@headwater/schemas';
import type { FastifyInstance } from 'fastify';
import { ingestAccess } from './access.ts';
import { type BulkLabelOptions, registerBulkLabels } from './bulk-labels.ts';
import { type ImageStatusOptions, registerImageStatus } from './image-status.ts';
import { type ImageRouteOptions, registerImages } from './images.ts';
import { type LabelRouteOptions, registerLabels } from './label-routes.ts';
import { registerSchemas } from './schema-routes.ts';

export interface HttpOptions
  extends ImageRouteOptions,
    ImageStatusOptions,
    LabelRouteOptions,
    BulkLabelOptions,
    Pick<HttpServerOptions, 'config' | 'logger' | 'metrics' | 'tracing'> {
  readonly schemaIds: SchemaIds;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Schema, for the OpenAPI document, of a body that the framework does not parse. */
    readonly requestBody?: object;
  }
}

/** Longer than the limits of any body; ends connections that still send after the response. */
const REQUEST_TIMEOUT_MS = 3_600_000;

export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const app = createHttpServer({
    ...options,
    service: 'ingest',
    access: ingestAccess,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    framework: { ajv: { customOptions: { removeAdditional: false, allowUnionTypes: true } } },
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Headwater ingest',
        description: 'Writes images and labels to the log.',
        version: '1',
      },
      components: { securitySchemes },
    },
    transform: ({ schema, url, route }) => ({
      schema: {
        ...schema,
        ...accessNote(ingestAccess, String(route.method), url),
        ...(route.config?.requestBody ? { body: route.config.requestBody } : {}),
      },
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
