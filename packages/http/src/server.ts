/**
 * The base of all HTTP interfaces: access, limits, problem documents and security headers. Services add their routes.
 * All hooks are set here before any route, so that they apply to every route.
 */
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/log';
import { type CommonConfig, isLoopback, type Metrics, type Tracing } from '@headwater/service-kit';
import { type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify';
import { type AccessTable, requireTokens } from './access.ts';
import { limitConcurrency } from './concurrency-limit.ts';
import { rejectCrossSiteRequests } from './cross-site-guard.ts';
import type { HttpConfig } from './environment.ts';
import { acceptPeers, type PeerAcceptance } from './peers/accept-peers.ts';
import {
  handleClientError,
  handleErrors,
  handleFrameworkError,
  rejectExpectation,
  type StatusByCode,
} from './problems.ts';
import { validateBodies } from './request-bodies.ts';
import { measureRequests } from './request-metrics.ts';
import { traceRequests } from './request-traces.ts';
import { addSecurityHeaders } from './security-headers.ts';
import { formatValidationErrors } from './validation-errors.ts';

export interface HttpServerOptions {
  readonly service: string;
  readonly config: HttpConfig & Pick<CommonConfig, 'AUTH_TOKENS'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Default: off. */
  readonly tracing?: Tracing | undefined;
  readonly access: AccessTable;
  /** Time limit for receiving a request and its body; then the connection is closed. */
  readonly requestTimeoutMs: number;
  /** Where other processes of the installation ask this one. */
  readonly peers?: PeerAcceptance | undefined;
  /** Statuses of codes that differ in this service. */
  readonly statuses?: StatusByCode;
  /** Further options of the framework. */
  readonly framework?: Pick<FastifyServerOptions, 'bodyLimit' | 'ajv'>;
}

/** Idle timeout of a connection, longer than any response may take. */
const idleTimeoutMs = 180_000;
/** Limit on headers, including the URL. */
const maxHeaderBytes = 16 * 1024;
/** Each route limits its parameters and rejects longer ones with a reason; a limit here would only give 404. */
const maxParamLength = maxHeaderBytes;

/** Creates a server that does not listen yet. Errors: config-invalid. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { config, logger, metrics, access, service } = options;
  checkExposure(config);
  const app = fastify(frameworkOptions(options)) as FastifyInstance;
  app.server.maxConnections = config.HTTP_MAX_CONNECTIONS;
  app.server.on('checkExpectation', rejectExpectation);
  handleErrors(app, logger, options.statuses);
  measureRequests(app, service, metrics);
  if (options.tracing !== undefined) traceRequests(app, options.tracing);
  addSecurityHeaders(app, { isTls: config.HTTP_TLS_CERT !== undefined });
  acceptPeers(app, options.peers);
  requireHost(app);
  rejectOtherTargets(app);
  rejectBrokenQueries(app);
  limitConcurrency(app, config.HTTP_MAX_REQUESTS);
  const { AUTH_TOKENS: tokens, HTTP_HOST: host } = config;
  const advertised = options.peers === undefined ? [] : [new URL(options.peers.url).hostname];
  const allowedHosts = [...config.HTTP_ALLOWED_HOSTS, ...advertised];
  rejectCrossSiteRequests(app, { checkHost: tokens === undefined && !config.HTTP_OPEN, host, allowedHosts });
  if (tokens !== undefined) requireTokens(app, tokens, access);
  validateBodies(app);
  return app;
}

/** HTTP/1.1 requires one Host header (RFC 9112, 3.2); a proxy and the service could read different ones of several. */
function requireHost(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw }) => {
    const hosts = raw.headersDistinct.host?.length ?? 0;
    if (hosts === 1 || (hosts === 0 && raw.httpVersion === '1.0')) return;
    throw new HeadwaterError('request-invalid', 'an HTTP/1.1 request must have one Host header');
  });
}

/** The router ignores the first character of a path, so that `xv1/tasks` would match `/v1/tasks`. */
function rejectOtherTargets(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ url }) => {
    if (url.startsWith('/') || /^https?:\/\//i.test(url)) return;
    throw new HeadwaterError('request-invalid', 'the request target must be a path that starts with /');
  });
}

/** The framework would read `%ff` in a query as the text "%ff". It rejects invalid paths itself. */
function rejectBrokenQueries(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ url }) => {
    const start = url.indexOf('?');
    if (start === -1 || isDecodable(url.slice(start + 1))) return;
    throw new HeadwaterError('request-invalid', 'the query is not percent-encoded UTF-8');
  });
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Called by services before they open anything. Errors: config-invalid, for a reachable address without tokens. */
export function checkExposure({
  HTTP_HOST: host,
  HTTP_OPEN: isOpen,
  AUTH_TOKENS: tokens,
}: HttpServerOptions['config']): void {
  if (tokens !== undefined || isOpen || isLoopback(host)) return;
  throw new HeadwaterError(
    'config-invalid',
    `HTTP_HOST: other machines can reach ${host}, and could add and erase images without AUTH_TOKENS; set AUTH_TOKENS_FILE (\`headwater token create\` creates tokens), or HTTP_OPEN=true behind a proxy that authenticates clients`,
  );
}

function frameworkOptions({ config, requestTimeoutMs, framework }: HttpServerOptions): FastifyServerOptions {
  const { HTTP_HEADERS_TIMEOUT: headersTimeout, HTTP_TLS_CERT: cert, HTTP_TLS_KEY: key } = config;
  const limits = {
    headersTimeout,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, headersTimeout),
    maxHeaderSize: maxHeaderBytes,
    // `requireHost` replaces Node's check, whose response is not a problem document.
    requireHostHeader: false,
  };
  const secure = cert === undefined || key === undefined ? undefined : { ...limits, ...tls(cert, key) };
  return {
    ...framework,
    logger: false,
    frameworkErrors: handleFrameworkError,
    clientErrorHandler: handleClientError,
    schemaErrorFormatter: formatValidationErrors,
    connectionTimeout: idleTimeoutMs,
    requestTimeout: requestTimeoutMs,
    routerOptions: { maxParamLength },
    ...(secure === undefined ? { http: limits } : { https: secure }),
  } as FastifyServerOptions;
}

/** Checks the pair first, so that the error names the variables. Errors: config-invalid. */
function tls(cert: string, key: string) {
  const minVersion = 'TLSv1.2' as const;
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const { code = 'unknown' } = cause as { code?: string };
    const message = `HTTP_TLS_CERT and HTTP_TLS_KEY: not a certificate and its key in PEM form (${code})`;
    throw new HeadwaterError('config-invalid', message, { cause });
  }
  return { cert, key, minVersion };
}

/** Resolves to the local URL of the server. Errors: config-invalid when it cannot listen on the address. */
export async function listenHttp(
  app: FastifyInstance,
  config: HttpConfig & { readonly HTTP_PORT: number },
): Promise<string> {
  const { HTTP_HOST: host, HTTP_PORT: port, HTTP_TLS_CERT: cert } = config;
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? `port ${port} of ${host} is in use by another program; end it, or set HTTP_PORT to another port (0 selects a free one)`
        : `port ${port} of ${host} is not available (${code})`;
    throw new HeadwaterError('config-invalid', `HTTP_PORT: ${why}`, { cause, context: { host, port } });
  }
  const taken = (app.server.address() as AddressInfo).port;
  // A server on all interfaces is reachable on the loopback interface.
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const scheme = cert === undefined ? 'http' : 'https';
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${taken}`;
}
