/** Probes and metrics on a port of their own, so that they answer whatever the service's own interface does. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeadwaterError } from '@headwater/errors';
import type { Health } from '../health.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';

export interface AdminServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly logger: Logger;
}

export interface AdminServer {
  /** E.g. `http://127.0.0.1:9464`. */
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** `/livez`, `/readyz`, `/metrics`. Errors: config-invalid when the address cannot be had. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const server = createServer((request, response) => {
    respond(request, response, options).catch((error) => {
      options.logger.error({ error, path: request.url }, 'a probe could not be answered');
      response.writeHead(500).end();
    });
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { url: `http://${host}:${port}`, close: () => close(server) };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: AdminServerOptions,
): Promise<void> {
  const { status, contentType, body } = await answer(request, options);
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answer(request: IncomingMessage, { health, metrics }: AdminServerOptions): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return json(405, { status: 'method not allowed' });
  switch (request.url?.split('?')[0]) {
    case '/livez':
      return health.alive
        ? json(200, { status: 'alive' })
        : json(503, { status: 'failed', parts: health.report() });
    case '/readyz': {
      const parts = health.report();
      return health.ready ? json(200, { status: 'ready', parts }) : json(503, { status: 'not ready', parts });
    }
    case '/metrics':
      return { status: 200, ...(await metrics.render()) };
    default:
      return json(404, { status: 'not found' });
  }
}

function json(status: number, body: object): Answer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}

function listen(server: Server, { host, port }: AdminServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${cause.code})`;
      reject(new HeadwaterError('config-invalid', `ADMIN_PORT: ${host}:${port} ${why}`, { cause }));
    });
    server.listen({ host, port }, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
