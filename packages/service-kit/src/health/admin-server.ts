/** Probes and metrics on a separate port, independent of the service's own HTTP interface. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/log';
import { type AccessTokens, presentedToken } from '../auth/access-tokens.ts';
import type { CommonConfig } from '../configuration/common-environment.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Health } from './health.ts';

export interface AdminServerOptions {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly logger: Logger;
  /** Tokens that may read metrics; undefined where metrics are open. Probes are always open. */
  readonly metricsTokens?: AccessTokens | undefined;
}

/** The access to metrics from the environment. Errors: config-invalid. */
export function adminAccess(
  config: Pick<CommonConfig, 'METRICS_ACCESS' | 'AUTH_TOKENS'>,
): Pick<AdminServerOptions, 'metricsTokens'> {
  if (config.METRICS_ACCESS === 'open') return {};
  if (config.AUTH_TOKENS !== undefined) return { metricsTokens: config.AUTH_TOKENS };
  throw new HeadwaterError('config-invalid', 'AUTH_TOKENS: is required with METRICS_ACCESS=read');
}

/** Requests have no bodies and come from the local network, so the limits are short. */
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
};
const maxConnections = 128;

export interface AdminServer {
  /** E.g. `http://127.0.0.1:9464`. */
  readonly url: string;
  close(): Promise<void>;
}

interface AdminResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Serves `/livez`, `/readyz` and `/metrics`. Errors: config-invalid when it cannot listen on the address. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const server = createServer(limits, (request, response) => {
    respond(request, response, options).catch((error) => {
      options.logger.error({ error, path: request.url }, 'probe failed');
      response.writeHead(500).end();
    });
  });
  server.maxConnections = maxConnections;
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
  const { status, contentType, body, headers = {} } = await route(request, options);
  response.writeHead(status, { 'content-type': contentType, ...safeHeaders, ...headers });
  response.end(request.method === 'HEAD' ? undefined : body);
}

const safeHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

async function route(
  request: IncomingMessage,
  { health, metrics, metricsTokens }: AdminServerOptions,
): Promise<AdminResponse> {
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
      if (metricsTokens !== undefined && !isKnown(request, metricsTokens)) return unauthorized;
      return { status: 200, ...(await metrics.render()) };
    default:
      return json(404, { status: 'not found' });
  }
}

/** Any role may read metrics. */
function isKnown({ headers }: IncomingMessage, tokens: AccessTokens): boolean {
  const token = presentedToken(headers.authorization);
  return token !== undefined && tokens.find(token) !== undefined;
}

const unauthorized: AdminResponse = {
  ...json(401, { status: 'metrics require a token' }),
  headers: { 'www-authenticate': 'Bearer realm="headwater"' },
};

function json(status: number, body: object): AdminResponse {
  return { status, contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}

function listen(server: Server, { host, port }: AdminServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? 'is in use by another program; end it, or set ADMIN_PORT to another port (0 selects a free one)'
          : `is not available (${cause.code})`;
      reject(new HeadwaterError('config-invalid', `ADMIN_PORT: port ${port} of ${host} ${why}`, { cause }));
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
