/**
 * The frame that every HTTP interface of Headwater stands in: who may come in, how much of everything, what errors and
 * headers look like. Services add their routes; hooks are set here, before any route, so that none is without them.
 */
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { HeadwaterError } from '@headwater/errors';
import type { Logger } from '@headwater/log';
import type { CommonConfig, Metrics } from '@headwater/service-kit';
import { isLoopback } from '@headwater/service-kit';
import { type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify';
import { type AccessTable, requireTokens } from './access.ts';
import { limitConcurrency } from './concurrency-limit.ts';
import { rejectCrossSiteRequests } from './cross-site-guard.ts';
import type { HttpConfig } from './environment.ts';
import {
  handleClientError,
  handleErrors,
  handleFrameworkError,
  rejectExpectation,
  type StatusByCode,
} from './problems.ts';
import { validateBodies } from './request-bodies.ts';
import { measureRequests } from './request-metrics.ts';
import { addSecurityHeaders } from './security-headers.ts';
import { formatValidationErrors } from './validation-errors.ts';

export interface HttpServerOptions {
  readonly service: string;
  readonly config: HttpConfig & Pick<CommonConfig, 'AUTH_TOKENS'>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly access: AccessTable;
  /** A request and its body have come after this long, or the connection is closed. */
  readonly requestTimeoutMs: number;
  /** Where the service means something else by a code than the rest. */
  readonly statuses?: StatusByCode;
  /** What the framework is told besides. */
  readonly framework?: Pick<FastifyServerOptions, 'bodyLimit' | 'ajv'>;
}

/** Longer than any answer may be waited for: a connection on which nothing moves for so long is closed. */
const idleTimeoutMs = 180_000;
/** The URL is among them. */
const maxHeaderBytes = 16 * 1024;
/** Each route says how long its parameters may be, and refuses with a reason: here they would only be unknown paths. */
const maxParamLength = maxHeaderBytes;

/** Not listening yet. Errors: config-invalid. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { config, logger, metrics, access, service } = options;
  checkExposure(config);
  const app = fastify(frameworkOptions(options)) as FastifyInstance;
  app.server.maxConnections = config.HTTP_MAX_CONNECTIONS;
  app.server.on('checkExpectation', rejectExpectation);
  handleErrors(app, logger, options.statuses);
  measureRequests(app, service, metrics);
  addSecurityHeaders(app, { isTls: config.HTTP_TLS_CERT !== undefined });
  requireHost(app);
  refuseOtherTargets(app);
  refuseBrokenQueries(app);
  limitConcurrency(app, config.HTTP_MAX_REQUESTS);
  const { AUTH_TOKENS: tokens, HTTP_HOST: host, HTTP_ALLOWED_HOSTS: allowedHosts } = config;
  rejectCrossSiteRequests(app, { checkHost: tokens === undefined && !config.HTTP_OPEN, host, allowedHosts });
  if (tokens !== undefined) requireTokens(app, tokens, access);
  validateBodies(app);
  return app;
}

/** As HTTP/1.1 has it (RFC 9112, 3.2): one, or who looks at the first and who at the last would not agree. */
function requireHost(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw }) => {
    const hosts = raw.headersDistinct.host?.length ?? 0;
    if (hosts === 1 || (hosts === 0 && raw.httpVersion === '1.0')) return;
    throw new HeadwaterError('request-invalid', 'a request of HTTP/1.1 needs one Host header');
  });
}

/** The router passes over the first character of a path, whatever it is: `*`, or `xv1/tasks`, would be answered as what they are not. */
function refuseOtherTargets(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ url }) => {
    if (url.startsWith('/') || /^https?:\/\//i.test(url)) return;
    throw new HeadwaterError('request-invalid', 'what is asked for is not a path that begins with /');
  });
}

/** The framework would take `%ff` for the text "%ff", which is another id than any client means. Broken paths it refuses itself. */
function refuseBrokenQueries(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ url }) => {
    const start = url.indexOf('?');
    if (start === -1 || isDecodable(url.slice(start + 1))) return;
    throw new HeadwaterError('request-invalid', 'the query is not UTF-8 that is percent-encoded');
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

/** For services to ask before they open anything else. Errors: config-invalid, where others would reach what nobody guards. */
export function checkExposure({
  HTTP_HOST: host,
  HTTP_OPEN: isOpen,
  AUTH_TOKENS: tokens,
}: HttpServerOptions['config']): void {
  if (tokens !== undefined || isOpen || isLoopback(host)) return;
  throw new HeadwaterError(
    'config-invalid',
    `HTTP_HOST: other machines reach ${host}, and without AUTH_TOKENS all of them could add and erase images; set AUTH_TOKENS_FILE (\`headwater token create\` makes tokens), or HTTP_OPEN=true where something in front asks who comes`,
  );
}

function frameworkOptions({ config, requestTimeoutMs, framework }: HttpServerOptions): FastifyServerOptions {
  const { HTTP_HEADERS_TIMEOUT: headersTimeout, HTTP_TLS_CERT: cert, HTTP_TLS_KEY: key } = config;
  const limits = {
    headersTimeout,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, headersTimeout),
    maxHeaderSize: maxHeaderBytes,
    // Node's own refusal is no problem document: ours is in its place.
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

/** Tried here, so that a wrong pair is told by the names of its variables. Errors: config-invalid. */
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

/** Resolves to the URL under which this machine reaches it. Errors: config-invalid when the address cannot be had. */
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
        ? `port ${port} of ${host} is in use by another program; end it, or set HTTP_PORT to another port (0 takes a free one)`
        : `port ${port} of ${host} cannot be listened on (${code})`;
    throw new HeadwaterError('config-invalid', `HTTP_PORT: ${why}`, { cause, context: { host, port } });
  }
  const taken = (app.server.address() as AddressInfo).port;
  // One that listens everywhere is reached on the loopback.
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const scheme = cert === undefined ? 'http' : 'https';
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${taken}`;
}
